import Contracts

/// What the header of a WAV file says, read without trusting it. Streaming writers (espeak-ng to a pipe, servers that
/// answer in chunks) do not know the length when they write the header and put a placeholder there; the data then
/// counts as far as it goes. Format: RIFF, chunks `fmt ` and `data`; integer and float samples only.
struct WAVFile: Sendable, Hashable {
  /// Frames a second.
  let sampleRate: Int
  /// Bytes of one frame, all channels.
  let frameBytes: Int
  /// Where the samples stand.
  let data: Range<Int>
  /// Offset of the four bytes that hold the length of the data.
  private let lengthOffset: Int

  init?(_ bytes: [UInt8]) {
    guard bytes.count >= 12, bytes.text(at: 0) == "RIFF", bytes.text(at: 8) == "WAVE" else { return nil }
    var format: (rate: Int, frame: Int)?
    var offset = 12
    while offset + 8 <= bytes.count {
      let name = bytes.text(at: offset)
      let length = bytes.number(at: offset + 4, bytes: 4)
      let body = offset + 8
      if name == "fmt " {
        guard let found = Self.format(in: bytes, at: body, length: length) else { return nil }
        format = found
      } else if name == "data" {
        guard let format else { return nil }
        sampleRate = format.rate
        frameBytes = format.frame
        data = body..<min(body + length, bytes.count)
        lengthOffset = offset + 4
        return
      }
      offset = body + length + length % 2
    }
    return nil
  }

  private static func format(in bytes: [UInt8], at offset: Int, length: Int) -> (rate: Int, frame: Int)? {
    guard length >= 16, offset + 16 <= bytes.count else { return nil }
    let code = bytes.number(at: offset, bytes: 2)
    let channels = bytes.number(at: offset + 2, bytes: 2)
    let rate = bytes.number(at: offset + 4, bytes: 4)
    let frame = bytes.number(at: offset + 12, bytes: 2)
    let bits = bytes.number(at: offset + 14, bytes: 2)
    let integer = 1
    let float = 3
    let extensible = 0xFFFE
    guard [integer, float, extensible].contains(code), (1...8).contains(channels), (1000...384_000).contains(rate),
      [8, 16, 24, 32, 64].contains(bits), frame == channels * bits / 8
    else { return nil }
    return (rate, frame)
  }

  /// Duration, rounded to milliseconds.
  var seconds: ExactDecimal {
    let frames = data.count / frameBytes
    return ExactDecimal(mantissa: Int128((frames * 1000 + sampleRate / 2) / sampleRate), decimals: 3)
  }

  /// The same file with its true lengths in the header.
  func repaired(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    bytes.store(bytes.count - 8, at: 4)
    bytes.store(data.count, at: lengthOffset)
    return bytes
  }
}

extension [UInt8] {
  fileprivate func text(at offset: Int) -> String { String(decoding: self[offset..<offset + 4], as: UTF8.self) }

  /// Little endian.
  fileprivate func number(at offset: Int, bytes count: Int) -> Int {
    self[offset..<offset + count].reversed().reduce(0) { $0 << 8 | Int($1) }
  }

  fileprivate mutating func store(_ value: Int, at offset: Int) {
    for index in 0..<4 { self[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * index)) }
  }
}
