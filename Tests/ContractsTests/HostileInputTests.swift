import Contracts
import Testing

/// Whatever bytes arrive, the decoders answer: they neither trap nor hang. A failure prints the seed to repeat it with.
@Suite struct HostileInputTests {
  static let jobs = [
    #"""
    {"id":"job-1","userId":"user123","taskType":"tts","userTier":"tier3",
     "payload":{"text":"Once \u00e9\ud83d\ude00 upon é","voice":"x","speed":1.5},"seriesId":"s","model":null,
     "notBefore":"2026-11-21T10:15:30+01:00","deadline":"2026-11-22T00:00:00Z","after":["a","b"],"maxCostUsd":0.25,
     "metadata":{"a":[1,2.5e3,true,null]}}
    """#,
    #"{"userId":"u","taskType":"echo","payload":{"sleepMs":10,"usage":{"characters":12.5,"images":1}}}"#,
    #"{"userId":"u","taskType":"llm","payload":{"messages":[{"role":"user","content":"hi"}],"maxTokens":5}}"#,
  ].map { Array($0.utf8) }

  @Test func `a message cut at any byte is refused as no JSON`() throws {
    for job in Self.jobs {
      for end in job.indices {
        guard case .refused(let refusal) = JobMessage.decode(Array(job[..<end]), messageID: nil) else {
          Issue.record("accepted when cut at \(end)")
          continue
        }
        #expect(refusal.code == .invalidMessage)
        #expect(refusal.detail.hasPrefix("not valid JSON"))
      }
    }
  }

  @Test func `a cost event cut at any byte is refused`() throws {
    let event = try golden("cost-event")
    for end in event.indices {
      #expect(throws: CostEvent.Fault.self) { try CostEvent(decoding: Array(event[..<end])) }
    }
  }

  @Test func `mutated messages never trap the decoder`() throws {
    let seed = UInt64.random(in: .min ... .max)
    print("seed of the mutated messages: \(seed)")
    var generator = SplitMix(state: seed)
    let events = [try golden("cost-event"), try golden("cost-event-correction")]
    for round in 0..<6000 {
      let isJob = round % 3 != 0
      let original = isJob ? Self.jobs[round % Self.jobs.count] : events[round % events.count]
      let mutant = mutated(original, &generator)
      if isJob {
        if case .job(let job) = JobMessage.decode(mutant, messageID: nil) { touch(job) }
      } else {
        do throws(CostEvent.Fault) {
          _ = try CostEvent(decoding: mutant).encoded()
        } catch {
          #expect(!error.description.isEmpty)
        }
      }
    }
  }

  /// Reads everything that is decoded late.
  private func touch(_ job: Job) {
    func walk(_ value: JSONValue) {
      _ = (value.string, value.integer, value.double, value.decimal?.description, value.bool, value.raw.count)
      for element in value.elements { walk(element) }
      for member in value.members { walk(member.value) }
    }
    walk(job.payload)
    if let metadata = job.metadata { walk(metadata) }
    _ = (job.notBefore?.description, job.deadline?.description, job.maximumCost?.description)
  }

  private func mutated(_ original: [UInt8], _ generator: inout SplitMix) -> [UInt8] {
    let interesting = Array(#"{}[]",:\ue+-.0123456789 "#.utf8) + [0x00, 0x7F, 0x80, 0xC3, 0xED, 0xFF]
    let numbers = [
      "1e400", "-0", "1e-9223372036854775808", "999999999999999999999999999999e30", "9223372036854775808", "1e30",
      "0.1e-30",
      "\"0000-01-01T00:00:00+23:59\"", "\"9999-12-31T23:59:60Z\"", "\"\\ud800\"", "null", "[[[[]]]]",
    ].map { Array($0.utf8) }
    var bytes = original
    for _ in 0...Int.random(in: 0..<4, using: &generator) where !bytes.isEmpty {
      let place = Int.random(in: 0..<bytes.count, using: &generator)
      switch Int.random(in: 0..<6, using: &generator) {
      case 0: bytes[place] = interesting.randomElement(using: &generator) ?? 0
      case 1: bytes.remove(at: place)
      case 2: bytes.insert(interesting.randomElement(using: &generator) ?? 0, at: place)
      case 3: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
      case 4:
        let end = min(bytes.count, place + Int.random(in: 1..<20, using: &generator))
        bytes.insert(contentsOf: bytes[place..<end], at: place)
      default: replaceValue(in: &bytes, at: place, with: numbers.randomElement(using: &generator) ?? [])
      }
    }
    return bytes
  }

  /// Puts another value in the place of the one behind the next colon, so that the mutant often stays valid JSON.
  private func replaceValue(in bytes: inout [UInt8], at place: Int, with value: [UInt8]) {
    guard let colon = bytes[place...].firstIndex(of: UInt8(ascii: ":")) else { return }
    let end = bytes[(colon + 1)...].firstIndex { [UInt8(ascii: ","), UInt8(ascii: "}")].contains($0) }
    bytes.replaceSubrange((colon + 1)..<(end ?? bytes.count), with: value)
  }
}

/// Small, and the same on every machine for one seed.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
