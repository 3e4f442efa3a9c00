extension MediaType {
  /// Told by the first bytes, for servers that choose the format themselves and for files; nil for what is no audio we
  /// know.
  static func audio(of bytes: [UInt8]) -> MediaType? {
    if bytes.starts(with: Array("RIFF".utf8)), bytes.dropFirst(8).starts(with: Array("WAVE".utf8)) { return .wav }
    if bytes.starts(with: Array("fLaC".utf8)) { return speech(format: "flac") }
    if bytes.starts(with: Array("OggS".utf8)) { return speech(format: "opus") }
    // A tag, or the sync word of a frame of layer III.
    if bytes.starts(with: Array("ID3".utf8)) { return speech(format: "mp3") }
    if bytes.count > 1, bytes[0] == 0xFF, bytes[1] & 0xE6 == 0xE2 { return speech(format: "mp3") }
    // The sync word of ADTS, with its layer of 0.
    if bytes.count > 1, bytes[0] == 0xFF, bytes[1] & 0xF6 == 0xF0 { return speech(format: "aac") }
    return nil
  }
}
