import Contracts
import Testing

@testable import Providers

struct WAVFileTests {
  @Test func `the duration is that of the samples`() throws {
    let file = try #require(WAVFile(wav(samples: [Int16](repeating: 1, count: 22_050 + 11_025))))
    #expect(file.seconds.description == "1.5")
    #expect(file.sampleRate == 22_050)
  }

  @Test(arguments: [0x7FFF_F000, 0xFFFF_FFFF] as [UInt32])
  func `a placeholder for the length is replaced by the truth`(placeholder: UInt32) throws {
    let bytes = wav(samples: [1, 2, 3, 4], declared: placeholder)
    let file = try #require(WAVFile(bytes))
    #expect(file.data.count == 8)
    let repaired = file.repaired(bytes)
    #expect(repaired == wav(samples: [1, 2, 3, 4]))
  }

  @Test func `chunks that are not known are passed over`() throws {
    let list = Array("LIST".utf8) + [3, 0, 0, 0, 1, 2, 3, 0]
    #expect(try #require(WAVFile(wav(samples: [5, 6], before: list))).data.count == 4)
  }

  @Test func `seconds are rounded to milliseconds`() throws {
    let file = try #require(WAVFile(wav(rate: 8000, samples: [Int16](repeating: 0, count: 8004))))
    #expect(file.seconds.description == "1.001")
  }

  @Test func `what is no WAV file is refused`() {
    let good = wav(samples: [1, 2, 3])
    for length in 0..<44 { #expect(WAVFile(Array(good[..<length])) == nil) }
    #expect(WAVFile(Array("ID3 not a wave file at all, but long enough to look".utf8)) == nil)
    #expect(WAVFile(wav(rate: 1, samples: [1])) == nil)
    #expect(WAVFile(wav(samples: [1], channels: 0)) == nil)
  }
}
