/// The arguments of one command as they travel: bulk strings of RESP, each behind its length, so that no content can be
/// taken for anything else. One heap allocation a command however many arguments it has.
struct RedisArguments: Sendable {
  private(set) var count = 0
  private var wire: [UInt8] = []
  /// Where the run_id of the connection that sends the command is put in.
  private var runIDPlace: Int?
  /// Where the third argument begins.
  private var behindSecond = 0

  init(capacity: Int) { wire.reserveCapacity(capacity) }

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

  /// An argument that is the run_id; one at most.
  mutating func appendRunID() {
    precondition(runIDPlace == nil, "Bug: the run_id stands in a command once")
    runIDPlace = wire.count
    added()
  }

  private mutating func append(_ bytes: UnsafeRawBufferPointer) {
    precondition(bytes.count <= 512 << 20, "Bug: Redis takes no argument above 512 MiB")
    wire.append(bulk: bytes)
    added()
  }

  private mutating func added() {
    count += 1
    if count == 2 { behindSecond = wire.count }
  }

  /// Calls `send` with the pieces of the command in their order, as long as it returns true. The bytes are valid only
  /// during each call.
  /// - Parameter source: sends EVAL and this script in the place of the first two arguments, EVALSHA and a digest.
  func pieces(runID: String, evaluating source: String?, _ send: (UnsafeRawBufferPointer) -> Bool) -> Bool {
    var head = Array("*\(count)\r\n".utf8)
    var start = 0
    if let source {
      head.append(bulk: "EVAL")
      head.append(bulk: source)
      start = behindSecond
    }
    return wire.withUnsafeBytes { wire in
      guard head.withUnsafeBytes(send) else { return false }
      guard let place = runIDPlace else { return send(UnsafeRawBufferPointer(rebasing: wire[start...])) }
      var id: [UInt8] = []
      id.append(bulk: runID)
      return send(UnsafeRawBufferPointer(rebasing: wire[start..<place])) && id.withUnsafeBytes(send)
        && send(UnsafeRawBufferPointer(rebasing: wire[place...]))
    }
  }
}

extension [UInt8] {
  fileprivate mutating func append(bulk bytes: UnsafeRawBufferPointer) {
    append(UInt8(ascii: "$"))
    append(decimal: bytes.count)
    append(UInt8(ascii: "\r"))
    append(UInt8(ascii: "\n"))
    append(contentsOf: bytes)
    append(UInt8(ascii: "\r"))
    append(UInt8(ascii: "\n"))
  }

  fileprivate mutating func append(bulk text: String) {
    var text = text
    text.withUTF8 { append(bulk: UnsafeRawBufferPointer($0)) }
  }

  private mutating func append(decimal number: Int) {
    if number >= 10 { append(decimal: number / 10) }
    append(UInt8(ascii: "0") + UInt8(number % 10))
  }
}
