extension JSONParser {
  /// Decodes the escapes of a string that was read without fault.
  static func unescaped(_ text: ArraySlice<UInt8>) -> String {
    var units: [UInt16] = []
    var plain: [UInt8] = []
    var result = ""
    func flush() {
      if !plain.isEmpty { result += String(decoding: plain, as: UTF8.self) }
      if !units.isEmpty { result += String(decoding: units, as: UTF16.self) }
      plain = []
      units = []
    }
    var index = text.startIndex
    while index < text.endIndex {
      let byte = text[index]
      guard byte == UInt8(ascii: "\\") else {
        if !units.isEmpty { flush() }
        plain.append(byte)
        index += 1
        continue
      }
      let kind = text[index + 1]
      if kind == UInt8(ascii: "u") {
        if !plain.isEmpty { flush() }
        units.append(UInt16(text[index + 2..<index + 6].reduce(0) { $0 << 4 | (hexDigit($1) ?? 0) }))
        index += 6
        continue
      }
      if !units.isEmpty { flush() }
      switch kind {
      case UInt8(ascii: "b"): plain.append(0x08)
      case UInt8(ascii: "f"): plain.append(0x0C)
      case UInt8(ascii: "n"): plain.append(0x0A)
      case UInt8(ascii: "r"): plain.append(0x0D)
      case UInt8(ascii: "t"): plain.append(0x09)
      default: plain.append(kind)
      }
      index += 2
    }
    flush()
    return result
  }
}
