import Testing

@testable import AMQP

struct ContentAssemblerTests {
  /// Feeds a body in pieces of `size`.
  private func assemble(_ body: [UInt8], limit: Int, pieces size: Int) throws -> AMQPContent? {
    var assembler = ContentAssembler(maxBodyBytes: limit)
    try assembler.begin()
    #expect(assembler.isAwaitingHeader)
    var content = try [0, 0].withUnsafeBytes { bytes in
      try assembler.header(bodyBytes: UInt64(body.count), properties: UnsafeRawBufferPointer(rebasing: bytes[..<2]))
    }
    for start in stride(from: 0, to: body.count, by: size) {
      #expect(content == nil)
      content = try body[start..<min(start + size, body.count)].withUnsafeBytes { try assembler.body($0) }
    }
    return content
  }

  @Test func `an empty body is complete with its header`() throws {
    let content = try assemble([], limit: 10, pieces: 1)
    #expect(content?.body == [])
  }

  @Test func `a body of several frames is joined`() throws {
    let body = (0..<1000).map { UInt8(truncatingIfNeeded: $0) }
    let content = try assemble(body, limit: 1000, pieces: 300)
    #expect(content?.body == body)
    #expect(content?.oversize == nil)
  }

  @Test func `of a body over the limit only the first 4 KiB, the length and the hash are kept`() throws {
    let body = [UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000)
    let content = try assemble(body, limit: 999_999, pieces: 131_064)
    #expect(content?.body == Array(body.prefix(4096)))
    #expect((content?.body.capacity ?? .max) < 16_384)
    // sha256sum of a million times the letter a, the third test vector of FIPS 180-2.
    #expect(
      content?.oversize
        == AMQPDelivery.Oversize(
          bytes: 1_000_000, sha256: "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"))
  }

  @Test func `content out of order is malformed`() throws {
    var assembler = ContentAssembler(maxBodyBytes: 10)
    let none = UnsafeRawBufferPointer(start: nil, count: 0)
    #expect(throws: AMQPError.self) { try assembler.body(none) }
    #expect(throws: AMQPError.self) { try assembler.header(bodyBytes: 1, properties: none) }
    try assembler.begin()
    #expect(throws: AMQPError.self) { try assembler.begin() }
  }
}
