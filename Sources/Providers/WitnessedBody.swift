import NIOCore
import Synchronization

/// The body of one call, which knows whether it was asked for: the client does so when the connection stands and the
/// head of the call was written. Until then nobody can have seen the call, whatever the error that ends it.
final class WitnessedBody: AsyncSequence, Sendable {
  typealias Element = ByteBuffer

  private let bytes: ByteBuffer
  private let began = Atomic(false)

  init(_ bytes: [UInt8]) { self.bytes = ByteBuffer(bytes: bytes) }

  var count: Int { bytes.readableBytes }
  var isDispatched: Bool { began.load(ordering: .acquiring) }

  func makeAsyncIterator() -> Iterator {
    began.store(true, ordering: .releasing)
    return Iterator(rest: bytes)
  }

  struct Iterator: AsyncIteratorProtocol {
    fileprivate var rest: ByteBuffer?

    mutating func next() async -> ByteBuffer? {
      defer { rest = nil }
      return rest
    }
  }
}
