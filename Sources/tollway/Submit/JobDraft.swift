import ArgumentParser
import Contracts

/// One job as the command line describes it. Writes the same bytes for the same description: a job submitted again
/// under its id is the same job.
struct JobDraft {
  var id: String
  var user: String
  var task: String
  /// A JSON object.
  var payload: [UInt8]
  var tier: String?
  var series: String?
  var model: String?
  var notBefore: String?
  var deadline: String?
  var maximumCost: String?

  /// The payload of a plain text: what is spoken, asked, drawn or embedded.
  static func payload(of text: String, task: TaskType) -> [UInt8] {
    var json = JSONWriter(capacity: text.utf8.count + 16)
    json.literal("{")
    switch task {
    case .tts, .echo: json.member("text", text)
    case .llm, .image, .video: json.member("prompt", text)
    case .embedding: json.member("input", text)
    }
    json.literal("}")
    return json.bytes
  }

  /// The job message; members that were not given are left out.
  func encoded() throws -> [UInt8] {
    try checkPayload()
    var json = JSONWriter(capacity: payload.count + 256)
    json.literal("{")
    json.member("id", id)
    json.member("userId", user)
    json.member("taskType", task)
    for (name, value) in optionalMembers {
      guard let value else { continue }
      json.literal(",")
      json.string(name)
      json.literal(":")
      json.string(value)
    }
    json.key("payload")
    json.raw(payload)
    json.literal("}")
    guard json.bytes.count <= JobMessage.maximumBytes else {
      throw ValidationError("the job is larger than \(JobMessage.maximumBytes) bytes")
    }
    switch JobMessage.decode(json.bytes, messageID: id) {
    case .job: return json.bytes
    case .refused(let refusal): throw ValidationError("the job would be refused: \(refusal.detail)")
    case .lacksID: throw ValidationError("--id: 1 to 128 characters of A-Z a-z 0-9 . _ : @ -")
    }
  }

  private func checkPayload() throws {
    do {
      guard try JSONParser.parse(payload).root.isObject else { throw ValidationError("the payload is no JSON object") }
    } catch let fault as JSONFault {
      throw ValidationError("the payload is not valid JSON: \(fault)")
    }
  }

  private var optionalMembers: [(String, String?)] {
    [
      ("userTier", tier), ("seriesId", series), ("model", model), ("notBefore", notBefore), ("deadline", deadline),
      ("maxCostUsd", maximumCost),
    ]
  }
}
