/// Making WAV files of bare samples, for servers that send no header.
extension WAVFile {
  /// A file of 16-bit mono samples, little endian. A byte left over at the end is half a sample and goes.
  static func file(ofPCM samples: [UInt8], rate: Int) -> [UInt8] {
    let length = samples.count & ~1
    var bytes: [UInt8] = []
    bytes.reserveCapacity(44 + length)
    func put(_ text: StaticString) {
      bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
    func put(_ value: Int, _ count: Int) {
      for index in 0..<count { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * index))) }
    }
    put("RIFF")
    put(36 + length, 4)
    put("WAVEfmt ")
    put(16, 4)
    put(1, 2)  // integer samples
    put(1, 2)  // channels
    put(rate, 4)
    put(rate * 2, 4)
    put(2, 2)
    put(16, 2)
    put("data")
    put(length, 4)
    bytes.append(contentsOf: samples[..<length])
    return bytes
  }
}
