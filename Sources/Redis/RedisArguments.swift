/// The arguments of one command end to end in one buffer, each behind its length (four bytes, native order): one heap
/// allocation a command however many arguments it has. A length of `UInt32.max` stands for the run_id of the
/// connection that sends the command.
struct RedisArguments: Sendable {
  private(set) var count = 0
  private var storage: [UInt8] = []

  private static let runIDMark = UInt32.max

  init(capacity: Int) { storage.reserveCapacity(capacity) }

  mutating func append(_ text: StaticString) {
    let start = text.utf8Start  // traps for a static string that is a single scalar, which string literals are not
    append(UnsafeRawBufferPointer(start: start, count: text.utf8CodeUnitCount))
  }

  mutating func append(_ text: String) {
    var text = text
    text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
  }

  mutating func append(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { append($0) }
  }

  mutating func append(_ number: Int64) { append(String(number)) }

  mutating func appendRunID() { appendLength(RedisArguments.runIDMark) }

  private mutating func append(_ bytes: UnsafeRawBufferPointer) {
    precondition(bytes.count <= 512 << 20, "Bug: Redis takes no argument above 512 MiB")
    appendLength(UInt32(bytes.count))
    storage.append(contentsOf: bytes)
  }

  private mutating func appendLength(_ length: UInt32) {
    withUnsafeBytes(of: length) { storage.append(contentsOf: $0) }
    count += 1
  }

  /// Calls `body` once with the arguments in the form C wants them (start and length of each, in order). The pointers
  /// are valid only during that call; `body` may point entries elsewhere.
  func withPointers<Result>(
    runID: UnsafeRawBufferPointer,
    _ body: (_ starts: UnsafeMutableBufferPointer<UnsafePointer<CChar>?>, _ lengths: UnsafeMutableBufferPointer<Int>)
      -> Result
  ) -> Result {
    storage.withUnsafeBytes { flat in
      withUnsafeTemporaryAllocation(of: UnsafePointer<CChar>?.self, capacity: count) { starts in
        withUnsafeTemporaryAllocation(of: Int.self, capacity: count) { lengths in
          var offset = 0
          for index in 0..<count {
            let length = flat.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
            offset += MemoryLayout<UInt32>.size
            let isRunID = length == RedisArguments.runIDMark
            let bytes = isRunID ? runID : UnsafeRawBufferPointer(rebasing: flat[offset..<offset + Int(length)])
            starts.initializeElement(at: index, to: bytes.baseAddress?.assumingMemoryBound(to: CChar.self))
            lengths.initializeElement(at: index, to: bytes.count)
            if !isRunID { offset += bytes.count }
          }
          return body(starts, lengths)
        }
      }
    }
  }
}
