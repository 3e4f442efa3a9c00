import Contracts
import Testing

@Suite struct CostEventTests {
  private func event() throws -> CostEvent {
    CostEvent(
      jobID: "story-7:scene-1", run: "m4x2k9", attempt: 1, seriesID: "series456", userID: "user123", tier: "PRO",
      taskType: .tts, provider: "elevenlabs", model: "eleven_flash_v2_5", modelVersion: nil, outcome: .success,
      usage: [
        Usage(.characters, ExactDecimal(1234), .provider),
        Usage(.audioSeconds, ExactDecimal(mantissa: 8055, decimals: 2), .measured),
      ],
      cost: Cost(
        Money(nanoUSD: 61_700_000), basis: .priceBook, priceID: "elevenlabs/eleven_flash_v2_5@2026-06-01"),
      time: try #require(Timestamp("2026-11-21T10:15:30.123Z")), chargePeriod: "2026-11")
  }

  private func correction() throws -> CostEvent {
    var event = try event()
    event.seriesID = nil
    event.modelVersion = "2"
    event.outcome = .unknown
    event.usage = [Usage(.characters, ExactDecimal(-4), .estimate)]
    event.cost = Cost(Money(nanoUSD: -1), basis: .estimate, priceID: nil)
    event.chargePeriod = "2026-10"
    event.corrects = event.id
    event.correction = 0
    return event
  }

  @Test func `an event is written as the golden file, byte for byte`() throws {
    #expect(text(try event().encoded()) == text(try golden("cost-event")))
    #expect(text(try correction().encoded()) == text(try golden("cost-event-correction")))
  }

  @Test func `what is written is read back, and written again the same`() throws {
    for event in [try event(), try correction()] {
      let read = try CostEvent(decoding: event.encoded())
      #expect(read == event)
      #expect(read.encoded() == event.encoded())
    }
  }

  @Test func `what pictures and clips were priced by is written with them and read back`() throws {
    var event = try event()
    event.usage = [
      Usage(.images, ExactDecimal(2), .measured, dimensions: .init(size: "1024X1536", quality: "HD")),
      Usage(.videoSeconds, ExactDecimal(8), .provider, dimensions: .init(resolution: "1080p")),
      Usage(.requests, ExactDecimal(1), .measured, dimensions: .init()),
    ]
    let encoded = text(event.encoded())
    #expect(
      encoded.contains(
        #"{"unit":"images","quantity":"2","source":"measured","size":"1024x1536","quality":"hd"},"#
          + #"{"unit":"video_seconds","quantity":"8","source":"provider","resolution":"1080p"},"#
          + #"{"unit":"requests","quantity":"1","source":"measured"}"#))
    #expect(try CostEvent(decoding: event.encoded()) == event)
    #expect(event.usage[2].dimensions == nil)
  }

  @Test func `a success says where its files are, never what is in a result`() throws {
    let file = #"{"artifact":{"path":"a.wav","mediaType":"audio/wav","bytes":3,"sha256":"00"}}"#
    #expect(CostEvent.reference(in: Array(file.utf8)) == Array(file.utf8))
    #expect(CostEvent.reference(in: Array(#"{"artifacts":[]}"#.utf8)) != nil)
    for inline in [#"{"text":"{\"artifact\":1}"}"#, #"{"echo":{"artifact":1}}"#, "{}", ""] {
      #expect(CostEvent.reference(in: Array(inline.utf8)) == nil)
    }
    var event = try event()
    event.output = Array(file.utf8)
    #expect(text(event.encoded()).hasSuffix(#","corrects":null,"output":\#(file)}}"#))
    #expect(try CostEvent(decoding: event.encoded()) == event)
    for output in [#"{"text":"secret"}"#, #"{"artifact":{},"text":"secret"}"#, #"{"artifact":1}"#, "[]", "7"] {
      event.output = Array(output.utf8)
      #expect(throws: CostEvent.Fault.self) { try CostEvent(decoding: event.encoded()) }
    }
    event.output = Array(file.utf8)
    event.outcome = .failed
    #expect(throws: CostEvent.Fault.self) { try CostEvent(decoding: event.encoded()) }
  }

  @Test func `the routing key is tier, task and provider in lower case`() throws {
    var event = try event()
    event.provider = "OpenAI-EU"
    #expect(event.routingKey == "pro.tts.openai-eu")
  }

  @Test(arguments: [
    (#""specversion":"1.0""#, #""specversion":"0.3""#, "specversion: must be 1.0"),
    (#""type":"dev."#, #""type":"com."#, "type: not dev.tollway.cost.recorded.v1"),
    (#""attempt":1"#, #""attempt":0"#, "attempt: must be 1 or more"),
    (#""attempt":1"#, #""attempt":"1""#, "attempt: must be 1 or more"),
    (#""attempt":1"#, #""attempt":2"#, "id: does not fit jobId, run and attempt"),
    (#""subject":"user123""#, #""subject":"user124""#, "subject: is not the user"),
    (#""userId":"user123""#, #""userId":"user 123""#, "jobId, run, userId: not valid identifiers"),
    (#""taskType":"tts""#, #""taskType":"dance""#, "taskType: not known"),
    (#""outcome":"success""#, #""outcome":"won""#, "outcome: not known"),
    (#""basis":"price_book""#, #""basis":"guess""#, "cost.basis: not known"),
    (#""currency":"USD""#, #""currency":"EUR""#, "cost.currency: not USD"),
    (#""amount":"0.061700000000""#, #""amount":0.0617"#, "cost.amount: must be a string"),
    (#""amount":"0.061700000000""#, #""amount":"9e9999""#, "cost.amount: must be a decimal string"),
    (#""amount":"0.061700000000""#, #""amount":"-0.1""#, "cost.amount: negative without a correction"),
    (#""quantity":"1234""#, #""quantity":"-1""#, "usage.quantity: negative"),
    (#""quantity":"1234""#, #""quantity":1234"#, "usage.quantity: must be a string"),
    (#""unit":"characters""#, #""unit":"letters""#, "usage: unit, quantity, source or dimensions not known"),
    (
      #""source":"provider""#, #""source":"provider","size":"1 x 1""#,
      "usage: unit, quantity, source or dimensions not known"
    ),
    (
      #""source":"provider""#, #""source":"provider","size":7"#,
      "usage: unit, quantity, source or dimensions not known"
    ),
    (#""chargePeriod":"2026-11""#, #""chargePeriod":"2026-13""#, "chargePeriod: must be YYYY-MM"),
    (#""chargePeriod":"2026-11""#, #""chargePeriod":"november""#, "chargePeriod: must be YYYY-MM"),
    (#""time":"2026-11-21T10:15:30.123Z""#, #""time":"now""#, "time: must be an RFC 3339 time"),
    (#""modelVersion":null"#, #""modelVersion":2"#, "modelVersion: must be a string"),
    (#""corrects":null"#, #""corrects":"x""#, "id: a correction ends with /c and a number"),
  ])
  func `an event that breaks the contract is refused with the member's name`(
    old: String, new: String, expected: String
  ) throws {
    let original = text(try golden("cost-event"))
    #expect(original.contains(old))
    do throws(CostEvent.Fault) {
      _ = try CostEvent(decoding: Array(original.replacing(old, with: new).utf8))
      Issue.record("the event was accepted")
    } catch {
      #expect(error.description == expected)
    }
  }

  @Test(arguments: ["/c-1", "/c+0", "/c00", "/cx", "/c", "/c0/c0"])
  func `a correction's id ends with its number`(ending: String) throws {
    let original = text(try golden("cost-event-correction"))
    let changed = original.replacing(#"/1/c0""#, with: "/1\(ending)\"")
    #expect(throws: CostEvent.Fault.self) { try CostEvent(decoding: Array(changed.utf8)) }
  }
}

@Suite struct ResultEventTests {
  private let finishedAt = Timestamp(milliseconds: 1_795_256_130_123)

  @Test func `a success is written as the golden file`() throws {
    var event = ResultEvent(
      jobID: "job-1", userID: "user123", tier: "BUSINESS", taskType: "tts", status: .succeeded, run: "m4x2k9",
      finishedAt: finishedAt)
    event.provider = "piper"
    event.model = "en_US-joe-medium"
    event.modelVersion = "1.0.0"
    event.usage = [
      Usage(.characters, ExactDecimal(66), .measured),
      Usage(.audioSeconds, ExactDecimal(mantissa: 3936, decimals: 3), .measured),
    ]
    event.attempts = [
      .init(number: 1, provider: "piper", model: "en_US-joe-medium", outcome: .success, milliseconds: 812)
    ]
    event.seriesID = "series \"456\""
    event.metadata = try parse(#"{"any": "string"}"#)
    event.queuedAt = Timestamp(milliseconds: 1_795_256_129_000)
    event.startedAt = Timestamp(milliseconds: 1_795_256_129_311)
    let output = #"{"artifact":{"path":"job-1.wav","mediaType":"audio/wav","bytes":173612}}"#
    let joined = ResultEvent.joined(event.withoutOutput(), output: Array(output.utf8))
    #expect(text(joined) == text(try golden("result-succeeded")))
    #expect(event.messageID == "job-1/m4x2k9")
    #expect(event.routingKey == "tts.succeeded")
  }

  @Test func `a refusal is written as the golden file`() throws {
    var event = ResultEvent(
      jobID: "job-2", userID: "user123", tier: nil, taskType: nil, status: .failed, run: "m4x2k9",
      finishedAt: finishedAt)
    event.fault = .init(.invalidMessage, "payload: must be an object")
    #expect(text(ResultEvent.joined(event.withoutOutput(), output: nil)) == text(try golden("result-refused")))
    #expect(event.routingKey == "unknown.failed")
  }

  @Test func `hostile texts stay inside their string`() throws {
    var event = ResultEvent(
      jobID: "j", userID: "u", tier: "T", taskType: "a\"},\"x\":{\u{1}\u{7f}\u{2028}", status: .failed, run: "r",
      finishedAt: finishedAt)
    event.fault = .init(.poison, "a\nb\\\"")
    let root = try JSONParser.parse(event.withoutOutput()).root
    #expect(root["taskType"]?.string == "a\"},\"x\":{\u{1}\u{7f}\u{2028}")
    #expect(root["error"]?["message"]?.string == "a\nb\\\"")
    #expect(event.routingKey == "unknown.failed")
  }
}
