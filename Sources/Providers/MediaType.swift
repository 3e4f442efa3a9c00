/// The kinds of artifacts: the name that results carry and the extension of the file.
package struct MediaType: Sendable, Hashable {
  package let name: String
  package let fileExtension: String

  package static let wav = MediaType(name: "audio/wav", fileExtension: "wav")
  static let png = MediaType(name: "image/png", fileExtension: "png")
  static let mp4 = MediaType(name: "video/mp4", fileExtension: "mp4")
  package static let json = MediaType(name: "application/json", fileExtension: "json")
  package static let text = MediaType(name: "text/plain; charset=utf-8", fileExtension: "txt")

  /// Formats a speech job may ask for; nil for others.
  static func speech(format: String) -> MediaType? {
    switch format {
    case "wav": .wav
    case "mp3": MediaType(name: "audio/mpeg", fileExtension: "mp3")
    case "opus": MediaType(name: "audio/ogg", fileExtension: "opus")
    case "aac": MediaType(name: "audio/aac", fileExtension: "aac")
    case "flac": MediaType(name: "audio/flac", fileExtension: "flac")
    case "pcm": MediaType(name: "audio/pcm", fileExtension: "pcm")
    default: nil
    }
  }

  /// Told by the first bytes, because servers label pictures wrongly; nil for what is no picture we know.
  static func image(of bytes: [UInt8]) -> MediaType? {
    if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
      return .png
    }
    if bytes.starts(with: [0xFF, 0xD8, 0xFF]) { return MediaType(name: "image/jpeg", fileExtension: "jpg") }
    if bytes.starts(with: Array("RIFF".utf8)), bytes.dropFirst(8).starts(with: Array("WEBP".utf8)) {
      return MediaType(name: "image/webp", fileExtension: "webp")
    }
    return nil
  }

  /// Told by the first bytes; nil for what is no film we know.
  static func video(of bytes: [UInt8]) -> MediaType? {
    if bytes.dropFirst(4).starts(with: Array("ftyp".utf8)) { return .mp4 }
    if bytes.starts(with: [0x1A, 0x45, 0xDF, 0xA3]) { return MediaType(name: "video/webm", fileExtension: "webm") }
    return nil
  }
}
