import Crypto

/// The wire form of a job: bytes in, a job or the reason why not out. Pure; refuses every form of hostile input that
/// the contract names. Texts of the message never appear in a reason.
package enum JobMessage {
  /// Largest body of a job message, in bytes.
  package static let maximumBytes = 1 << 20
  /// Longest `seriesId`, `model` and tier, in bytes: they stand in rows, keys of reports and logs.
  package static let maximumLabelBytes = 256
  /// Most jobs that one may wait for.
  package static let maximumParents = 128
  /// The member of a payload that holds the outputs of the jobs that were waited for. The fleet alone writes it: a
  /// sender could name files of others.
  package static let inputs = "inputs"

  package enum Decoded: Sendable {
    case job(Job)
    /// A valid job without any id: it is published once more with an assigned one.
    case lacksID
    case refused(Refusal)
  }

  /// A message that is no job. `jobID` and `userID` are there if they could be read; then a result event is owed.
  package struct Refusal: Sendable {
    package var code: EndCode
    package var detail: String
    package var jobID: String?
    package var userID: String?
    /// As written; known only for `unknown_task`.
    package var taskType: String?

    package init(
      _ code: EndCode, _ detail: String, jobID: String? = nil, userID: String? = nil, taskType: String? = nil
    ) {
      self.code = code
      self.detail = detail
      self.jobID = jobID
      self.userID = userID
      self.taskType = taskType
    }
  }

  /// - Parameter messageID: the AMQP property, which stands in for a missing `id`.
  package static func decode(_ body: [UInt8], messageID: String?) -> Decoded {
    let document: JSONDocument
    do {
      document = try JSONParser.parse(body)
    } catch {
      return .refused(Refusal(.invalidMessage, "not valid JSON: \(error)"))
    }
    return decode(document, messageID: messageID)
  }

  /// The same of a body that was read already.
  package static func decode(_ document: JSONDocument, messageID: String?) -> Decoded {
    let root = document.root
    guard root.isObject else { return .refused(Refusal(.invalidMessage, "not a JSON object")) }
    var reader = Reader(root: root)
    let id = reader.identifier("id") ?? messageID
    let userID = reader.identifier("userId")
    if let id, !Identifier.isValid(id) { reader.fail("id: must be 1 to 128 characters of A-Z a-z 0-9 . _ : @ -") }
    if userID == nil { reader.fail("userId: missing") }
    let taskName = reader.label("taskType")
    if taskName == nil { reader.fail("taskType: missing") }
    let payload = root["payload"]
    if payload?.isObject != true { reader.fail("payload: must be an object") }
    let claimedTier = reader.label("userTier")
    let seriesID = reader.label("seriesId")
    let model = reader.label("model")
    let notBefore = reader.time("notBefore")
    let deadline = reader.time("deadline")
    let maximumCost = reader.dollars("maxCostUsd")
    let metadata = reader.object("metadata")
    let after = reader.parents(of: id)
    let ownsAfter = reader.flag("ownsAfter")

    let knownID = id.flatMap { Identifier.isValid($0) ? $0 : nil }
    guard reader.fault == nil, let userID, let taskName, let payload else {
      return .refused(
        Refusal(.invalidMessage, reader.fault ?? "incomplete", jobID: knownID, userID: userID, taskType: taskName))
    }
    guard let taskType = TaskType(rawValue: taskName) else {
      return .refused(
        Refusal(
          .unknownTask, "taskType: not one of \(TaskType.allCases.map(\.rawValue).joined(separator: ", "))",
          jobID: knownID, userID: userID, taskType: taskName))
    }
    if let fault = PayloadRules.fault(in: payload, of: taskType) {
      return .refused(
        Refusal(.invalidMessage, "payload.\(fault)", jobID: knownID, userID: userID, taskType: taskName))
    }
    let ownPayload: JSONValue
    do {
      ownPayload = try payload.replacing(inputs, with: nil)
    } catch {
      return .refused(
        Refusal(.invalidMessage, "payload: \(error)", jobID: knownID, userID: userID, taskType: taskName))
    }
    guard let knownID else { return .lacksID }
    return .job(
      Job(
        id: knownID, userID: userID, taskType: taskType, claimedTier: claimedTier, payload: ownPayload,
        seriesID: seriesID, model: model, notBefore: notBefore, deadline: deadline, maximumCost: maximumCost,
        after: after, ownsAfter: ownsAfter, metadata: metadata, digest: digest(of: document.bytes)))
  }

  /// 32 hexadecimal digits: the first half of SHA-256.
  package static func digest(of body: [UInt8]) -> String {
    Identifier.hex(bytes: Array(SHA256.hash(data: body).prefix(16)))
  }

  /// Reads the members of a message and keeps the first thing that is wrong with them. `null` counts as absent.
  private struct Reader {
    let root: JSONValue
    var fault: String?

    mutating func fail(_ reason: String) { if fault == nil { fault = reason } }

    private func present(_ name: String) -> JSONValue? {
      guard let value = root[name], !value.isNull else { return nil }
      return value
    }

    mutating func identifier(_ name: String) -> String? {
      guard let value = present(name) else { return nil }
      guard let text = value.string, Identifier.isValid(text) else {
        fail("\(name): must be 1 to 128 characters of A-Z a-z 0-9 . _ : @ -")
        return nil
      }
      return text
    }

    mutating func label(_ name: String) -> String? {
      guard let value = present(name) else { return nil }
      guard let text = value.string, !text.isEmpty, text.utf8.count <= maximumLabelBytes,
        text.unicodeScalars.allSatisfy({ ("!"..."~").contains($0) || !$0.properties.generalCategory.isControl })
      else {
        fail("\(name): must be a string of 1 to \(maximumLabelBytes) bytes without control characters")
        return nil
      }
      return text
    }

    mutating func time(_ name: String) -> Timestamp? {
      guard let value = present(name) else { return nil }
      guard let text = value.string, let time = Timestamp(text) else {
        fail("\(name): must be an RFC 3339 time")
        return nil
      }
      return time
    }

    mutating func dollars(_ name: String) -> Money? {
      guard let value = present(name) else { return nil }
      guard let decimal = value.decimal ?? value.string.flatMap({ ExactDecimal($0) }), decimal.mantissa >= 0,
        let money = Money(dollars: decimal)
      else {
        fail("\(name): must be a number of dollars, not negative")
        return nil
      }
      return money
    }

    mutating func object(_ name: String) -> JSONValue? {
      guard let value = present(name) else { return nil }
      guard value.isObject else {
        fail("\(name): must be an object")
        return nil
      }
      return value
    }

    mutating func flag(_ name: String) -> Bool {
      guard let value = present(name) else { return false }
      if value.bool == nil { fail("\(name): must be true or false") }
      return value.bool ?? false
    }

    mutating func parents(of job: String?) -> [String] {
      guard let after = present("after") else { return [] }
      let ids = after.elements.compactMap(\.string)
      if !after.isArray || ids.count != after.elements.count || ids.count > maximumParents
        || !ids.allSatisfy(Identifier.isValid)
      {
        fail("after: must be an array of at most \(maximumParents) job ids")
      } else if Set(ids).count != ids.count {
        fail("after: names a job twice")
      } else if let job, ids.contains(job) {
        fail("after: a job cannot wait for itself")
      }
      return ids
    }
  }
}

extension Unicode.GeneralCategory {
  /// Control and format characters, line and paragraph separators, unassigned: what could forge a line or hide text.
  fileprivate var isControl: Bool {
    switch self {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned, .privateUse: true
    default: false
    }
  }
}
