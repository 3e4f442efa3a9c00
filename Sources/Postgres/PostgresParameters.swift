/// The values of one execution in the form that libpq takes: texts that end with a zero byte, one after the other in
/// one buffer that is used again for the next execution.
struct PostgresParameters {
  private var buffer: [UInt8] = []
  /// Where each begins; nil is NULL.
  private var offsets: [Int?] = []

  mutating func set(_ values: [PostgresValue]) throws(PostgresError) {
    buffer.removeAll(keepingCapacity: true)
    offsets.removeAll(keepingCapacity: true)
    for value in values {
      switch value {
      case .null:
        offsets.append(nil)
        continue
      case .integer(let integer):
        offsets.append(buffer.count)
        buffer.append(contentsOf: String(integer).utf8)
      case .text(let text):
        offsets.append(buffer.count)
        buffer.append(contentsOf: text.utf8)
        guard !buffer[(offsets.last.flatMap(\.self) ?? 0)...].contains(0) else {
          throw PostgresError(.misuse, "a text has a zero byte, which PostgreSQL cannot hold")
        }
      case .bytes(let bytes):
        offsets.append(buffer.count)
        appendHexadecimal(bytes)
      }
      buffer.append(0)
    }
  }

  private mutating func appendHexadecimal(_ bytes: [UInt8]) {
    let digits: StaticString = "0123456789abcdef"
    buffer.reserveCapacity(buffer.count + 2 * bytes.count + 3)
    buffer.append(contentsOf: "\\x".utf8)
    for byte in bytes {
      buffer.append(digits.utf8Start[Int(byte >> 4)])
      buffer.append(digits.utf8Start[Int(byte & 15)])
    }
  }

  /// The pointers are good inside the body only.
  func withPointers<Result>(_ body: (Int32, UnsafePointer<UnsafePointer<CChar>?>?) -> Result) -> Result {
    buffer.withUnsafeBytes { bytes in
      let base = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
      let capacity = max(offsets.count, 1)
      return withUnsafeTemporaryAllocation(of: UnsafePointer<CChar>?.self, capacity: capacity) { pointers in
        for (index, offset) in offsets.enumerated() {
          pointers.initializeElement(at: index, to: offset.flatMap { offset in base.map { $0 + offset } })
        }
        return body(Int32(offsets.count), UnsafePointer(pointers.baseAddress))
      }
    }
  }
}
