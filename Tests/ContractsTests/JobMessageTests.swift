import Contracts
import Testing

@Suite struct JobMessageTests {
  private func decode(_ text: String, messageID: String? = nil) -> JobMessage.Decoded {
    JobMessage.decode(Array(text.utf8), messageID: messageID)
  }

  private func job(_ text: String, messageID: String? = nil) throws -> Job {
    guard case .job(let job) = decode(text, messageID: messageID) else {
      throw Unexpected(description: "\(decode(text, messageID: messageID))")
    }
    return job
  }

  private func refusal(_ text: String, messageID: String? = nil) throws -> JobMessage.Refusal {
    guard case .refused(let refusal) = decode(text, messageID: messageID) else {
      throw Unexpected(description: "\(decode(text, messageID: messageID))")
    }
    return refusal
  }

  private struct Unexpected: Error { var description: String }

  @Test func `the message of the contract arrives whole`() throws {
    let text = #"""
      {"id": "01JD", "userId": "user123", "taskType": "tts", "userTier": "tier3",
       "payload": {"text": "Once upon a time", "voice": "en_US-joe-medium", "format": "wav"},
       "seriesId": "series456", "model": null, "notBefore": "2026-11-21T10:00:00Z", "deadline": null,
       "after": [], "maxCostUsd": 0.25, "metadata": {"any": "string"}, "unheard": [1]}
      """#
    let job = try job(text)
    #expect(job.id == "01JD")
    #expect(job.userID == "user123")
    #expect(job.taskType == .tts)
    #expect(job.claimedTier == "tier3")
    #expect(job.payload["text"]?.string == "Once upon a time")
    #expect(job.seriesID == "series456")
    #expect(job.model == nil)
    #expect(job.notBefore?.description == "2026-11-21T10:00:00.000Z")
    #expect(job.deadline == nil)
    #expect(job.maximumCost == Money(nanoUSD: 250_000_000))
    #expect(job.metadata?["any"]?.string == "string")
    #expect(job.digest.count == 32)
  }

  private func message(id: String? = "\"j\"", user: String = "\"u\"", task: String = "\"echo\"", more: String = "")
    -> String
  {
    "{\(id.map { "\"id\":\($0)," } ?? "")\"userId\":\(user),\"taskType\":\(task),\"payload\":{}\(more)}"
  }

  @Test func `the id is the message's, else the AMQP message id, else none`() throws {
    #expect(try job(message(), messageID: "m").id == "j")
    #expect(try job(message(id: nil), messageID: "m").id == "m")
    #expect(try job(message(id: "null"), messageID: "m").id == "m")
    guard case .lacksID = decode(message(id: nil)) else {
      Issue.record("a job without any id was not recognised")
      return
    }
  }

  @Test(arguments: [
    "\"\"", "\"a b\"", "\"a/b\"", "\"a\\nb\"", "\"é\"", "7", "{}", "\"a*\"", "\"a#\"", "\"\\u0000\"",
    "\"\(String(repeating: "x", count: 129))\"",
  ])
  func `ids and users are 1 to 128 plain characters`(text: String) throws {
    #expect(try refusal(message(id: text)).code == .invalidMessage)
    #expect(try refusal(message(id: text)).jobID == nil)
    #expect(try refusal(message(user: text)).code == .invalidMessage)
    #expect(try refusal(message(user: text)).userID == nil)
  }

  @Test func `an AMQP message id is held to the same rule`() throws {
    #expect(try refusal(message(id: nil), messageID: "a b").detail.hasPrefix("id:"))
    let longest = String(repeating: "x", count: 128)
    #expect(try job(message(id: "\"\(longest)\"")).id == longest)
    #expect(try job(message(user: "\"A.z_0:@-\"")).userID == "A.z_0:@-")
  }

  @Test func `an unknown task type has a reason of its own and keeps who it was`() throws {
    let refusal = try refusal(message(task: "\"dance\""))
    #expect(refusal.code == .unknownTask)
    #expect(refusal.jobID == "j")
    #expect(refusal.userID == "u")
    #expect(refusal.taskType == "dance")
  }

  @Test(arguments: [
    ("[]", "not a JSON object"), ("\"x\"", "not a JSON object"),
    ("{", "not valid JSON: member name expected at byte 1"),
    ("{}", "userId: missing"), (#"{"userId":"u","payload":{}}"#, "taskType: missing"),
    (#"{"userId":"u","taskType":"echo"}"#, "payload: must be an object"),
    (#"{"userId":"u","taskType":"echo","payload":[]}"#, "payload: must be an object"),
    (#"{"userId":"u","taskType":"echo","payload":{},"after":{}}"#, "after: must be an array of at most 128 job ids"),
    (#"{"userId":"u","taskType":"echo","payload":{},"after":"x"}"#, "after: must be an array of at most 128 job ids"),
    (#"{"userId":"u","taskType":"echo","payload":{},"after":[7]}"#, "after: must be an array of at most 128 job ids"),
    (
      #"{"userId":"u","taskType":"echo","payload":{},"after":["a b"]}"#,
      "after: must be an array of at most 128 job ids"
    ),
    (#"{"userId":"u","taskType":"echo","payload":{},"after":["x","y","x"]}"#, "after: names a job twice"),
    (#"{"id":"x","userId":"u","taskType":"echo","payload":{},"after":["x"]}"#, "after: a job cannot wait for itself"),
    (#"{"userId":"u","taskType":"echo","payload":{},"notBefore":"soon"}"#, "notBefore: must be an RFC 3339 time"),
    (#"{"userId":"u","taskType":"echo","payload":{},"deadline":5}"#, "deadline: must be an RFC 3339 time"),
    (
      #"{"userId":"u","taskType":"echo","payload":{},"maxCostUsd":-1}"#,
      "maxCostUsd: must be a number of dollars, not negative"
    ),
    (
      #"{"userId":"u","taskType":"echo","payload":{},"maxCostUsd":1e40}"#,
      "maxCostUsd: must be a number of dollars, not negative"
    ),
    (
      #"{"userId":"u","taskType":"echo","payload":{},"maxCostUsd":999999999999999999999999999999e30}"#,
      "maxCostUsd: must be a number of dollars, not negative"
    ),
    (
      #"{"userId":"u","taskType":"echo","payload":{},"maxCostUsd":1e-9223372036854775808}"#,
      "maxCostUsd: must be a number of dollars, not negative"
    ),
    (#"{"userId":"u","taskType":"echo","payload":{},"metadata":"x"}"#, "metadata: must be an object"),
    (
      #"{"userId":"u","taskType":"echo","payload":{},"userTier":"a\nb"}"#,
      "userTier: must be a string of 1 to 256 bytes without control characters"
    ),
    (
      #"{"userId":"u","taskType":"echo","payload":{},"seriesId":"\u202e"}"#,
      "seriesId: must be a string of 1 to 256 bytes without control characters"
    ),
    (
      #"{"userId":"u","taskType":"echo","payload":{},"model":""}"#,
      "model: must be a string of 1 to 256 bytes without control characters"
    ),
  ])
  func `a fault is named by member`(text: String, detail: String) throws {
    let refusal = try refusal(text)
    #expect(refusal.code == .invalidMessage)
    #expect(refusal.detail == detail)
  }

  @Test(arguments: [
    ("tts", #"{"text":"a"}"#, true), ("tts", #"{}"#, false), ("tts", #"{"text":""}"#, false),
    ("tts", #"{"text":1}"#, false),
    ("tts", #"{"text":"a","speed":4.01}"#, false), ("tts", #"{"text":"a","speed":0.25}"#, true),
    ("tts", #"{"text":"a","voice":null}"#, true), ("tts", #"{"text":"a","voice":7}"#, false),
    ("llm", #"{"prompt":"a"}"#, true), ("llm", "{}", false), ("llm", #"{"messages":[]}"#, false),
    ("llm", #"{"messages":[{"role":"user"}]}"#, false), ("llm", #"{"messages":[{"role":"user","content":"a"}]}"#, true),
    ("llm", #"{"prompt":"a","maxTokens":0}"#, false), ("llm", #"{"prompt":"a","maxTokens":1.5}"#, false),
    ("llm", #"{"prompt":"a","temperature":2.1}"#, false), ("image", #"{"prompt":"a","n":10}"#, true),
    ("image", #"{"prompt":"a","n":11}"#, false), ("image", #"{}"#, false), ("video", "{}", true),
    ("video", #"{"scenes":[{}],"seconds":8}"#, true), ("video", #"{"scenes":[1]}"#, false),
    ("video", #"{"seconds":-1}"#, false), ("embedding", #"{"input":"a"}"#, true),
    ("embedding", #"{"input":["a"]}"#, true),
    ("embedding", #"{"input":[]}"#, false), ("embedding", #"{"input":["a",1]}"#, false), ("embedding", "{}", false),
    ("echo", "{}", true), ("echo", #"{"sleepMs":1500000}"#, true), ("echo", #"{"sleepMs":1500001}"#, false),
    ("echo", #"{"usage":{"characters":1.5}}"#, true), ("echo", #"{"usage":{"letters":1}}"#, false),
    ("echo", #"{"usage":{"characters":-1}}"#, false), ("echo", #"{"usage":{"characters":"1"}}"#, false),
    ("echo", #"{"usage":{"characters":999999999999999999999999999999e30}}"#, false), ("echo", #"{"extra":[[]]}"#, true),
  ])
  func `payloads are checked by task type`(task: String, payload: String, isGood: Bool) throws {
    let text = #"{"id":"j","userId":"u","taskType":"\#(task)","payload":\#(payload)}"#
    if isGood {
      #expect(String(decoding: try job(text).payload.raw, as: UTF8.self) == payload)
    } else {
      #expect(try refusal(text).detail.hasPrefix("payload."))
      #expect(try refusal(text).jobID == "j")
    }
  }

  @Test func `a job names up to 128 others that it waits for, in its order`() throws {
    let names = (0..<128).map { "p\($0)" }
    func after(_ names: [String]) -> String { "[" + names.map { "\"\($0)\"" }.joined(separator: ",") + "]" }
    #expect(try job(message(more: ",\"after\":\(after(names))")).after == names)
    #expect(try job(message(more: ",\"after\":[]")).after == [])
    #expect(try job(message(more: ",\"after\":null")).after == [])
    #expect(try refusal(message(more: ",\"after\":\(after(names + ["one"]))")).code == .invalidMessage)
    let byProperty = #"{"userId":"u","taskType":"echo","payload":{},"after":["m"]}"#
    #expect(try refusal(byProperty, messageID: "m").detail == "after: a job cannot wait for itself")
  }

  @Test func `what a message calls inputs is not in its payload, and its digest is that of the message`() throws {
    let text = #"{"id":"j","userId":"u","taskType":"echo","payload":{"a":1,"in\u0070uts":[{"id":"x"}],"b":[2]}}"#
    let job = try job(text)
    #expect(String(decoding: job.payload.raw, as: UTF8.self) == #"{"a":1,"b":[2]}"#)
    #expect(job.digest == JobMessage.digest(of: Array(text.utf8)))
    let given = job.with(payload: try job.payload.replacing("inputs", with: Array("[3]".utf8)))
    #expect(String(decoding: given.payload.raw, as: UTF8.self) == #"{"a":1,"b":[2],"inputs":[3]}"#)
    #expect(given.digest == job.digest && given.id == "j")
    let empty = try self.job(#"{"id":"j","userId":"u","taskType":"echo","payload":{"inputs":1}}"#).payload
    #expect(String(decoding: empty.raw, as: UTF8.self) == "{}")
    #expect(throws: JSONFault.self) {
      try empty.replacing(
        "inputs", with: Array((String(repeating: "[", count: 32) + String(repeating: "]", count: 32)).utf8))
    }
  }

  @Test func `the digest tells another body under the same id`() throws {
    #expect(try job(message()).digest == job(message()).digest)
    #expect(try job(message()).digest != job(message(more: ",\"x\":1")).digest)
    #expect(JobMessage.digest(of: Array("abc".utf8)) == "ba7816bf8f01cfea414140de5dae2223")
  }

  @Test func `texts of the message never appear in a reason`() throws {
    for text in [
      message(task: "\"secret\""), message(user: "\"se cret\""), message(more: ",\"notBefore\":\"secret\""),
      message(more: ",\"secret\":1,\"secret\":2"), message(more: ",\"model\":\"\\u0001secret\""), "{\"secret",
    ] {
      #expect(try !refusal(text).detail.contains("cret"))
    }
  }
}
