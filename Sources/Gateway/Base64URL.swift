/// RFC 4648 section 5 without padding, of bytes that need not be text.
enum Base64URL {
  static func text(of bytes: some Sequence<UInt8>) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    var text = ""
    var bits: UInt32 = 0
    var pending: UInt32 = 0
    for byte in bytes {
      bits = bits << 8 | UInt32(byte)
      pending += 8
      while pending >= 6 {
        pending -= 6
        text.append(alphabet[Int(bits >> pending & 0x3F)])
      }
    }
    if pending > 0 { text.append(alphabet[Int(bits << (6 - pending) & 0x3F)]) }
    return text
  }
}
