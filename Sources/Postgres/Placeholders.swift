/// Statements are written with `?` for each value, as SQLite has it; PostgreSQL wants `$1`, `$2` and so on. What stands
/// in quotation marks of either kind is left alone, comments are not known.
enum Placeholders {
  static func numbered(_ sql: String) -> String {
    var output: [UInt8] = []
    output.reserveCapacity(sql.utf8.count + 32)
    var count = 0
    var mark: UInt8?
    for byte in sql.utf8 {
      if let open = mark {
        if byte == open { mark = nil }
      } else if byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") {
        mark = byte
      } else if byte == UInt8(ascii: "?") {
        count += 1
        output.append(contentsOf: "$\(count)".utf8)
        continue
      }
      output.append(byte)
    }
    return String(decoding: output, as: UTF8.self)
  }
}
