extension CostEvent {
  /// Why an event was not accepted; safe to store and to show.
  package struct Fault: Error, Sendable, Equatable, CustomStringConvertible {
    package var description: String

    init(_ description: String) { self.description = description }
  }

  /// Reads an event strictly: every member of the contract is required with its type, the id must fit the data, an
  /// attempt cannot cost less than nothing unless it corrects another.
  package init(decoding bytes: [UInt8]) throws(Fault) {
    let root: JSONValue
    do {
      root = try JSONParser.parse(bytes).root
    } catch {
      throw Fault("not valid JSON: \(error)")
    }
    func text(_ value: JSONValue?, _ name: String) throws(Fault) -> String {
      guard let text = value?.string else { throw Fault("\(name): must be a string") }
      return text
    }
    func optionalText(_ value: JSONValue?, _ name: String) throws(Fault) -> String? {
      guard let value, !value.isNull else { return nil }
      return try text(value, name)
    }
    guard try text(root["specversion"], "specversion") == "1.0" else { throw Fault("specversion: must be 1.0") }
    guard try text(root["type"], "type") == Self.type else { throw Fault("type: not \(Self.type)") }
    guard let data = root["data"], data.isObject else { throw Fault("data: must be an object") }
    jobID = try text(data["jobId"], "jobId")
    run = try text(data["run"], "run")
    userID = try text(data["userId"], "userId")
    guard Identifier.isValid(jobID), Identifier.isValid(run), Identifier.isValid(userID) else {
      throw Fault("jobId, run, userId: not valid identifiers")
    }
    guard let attempt = data["attempt"]?.integer, attempt >= 1 else { throw Fault("attempt: must be 1 or more") }
    self.attempt = attempt
    seriesID = try optionalText(data["seriesId"], "seriesId")
    tier = try text(data["tier"], "tier")
    guard let taskType = TaskType(rawValue: try text(data["taskType"], "taskType")) else {
      throw Fault("taskType: not known")
    }
    self.taskType = taskType
    provider = try text(data["provider"], "provider")
    model = try text(data["model"], "model")
    modelVersion = try optionalText(data["modelVersion"], "modelVersion")
    guard let outcome = AttemptOutcome(rawValue: try text(data["outcome"], "outcome")) else {
      throw Fault("outcome: not known")
    }
    self.outcome = outcome
    guard let time = Timestamp(try text(root["time"], "time")) else { throw Fault("time: must be an RFC 3339 time") }
    self.time = time
    chargePeriod = try text(data["chargePeriod"], "chargePeriod")
    guard Timestamp(chargePeriod + "-01T00:00:00Z") != nil else { throw Fault("chargePeriod: must be YYYY-MM") }
    corrects = try optionalText(data["corrects"], "corrects")
    guard let basis = Cost.Basis(rawValue: try text(data["cost"]?["basis"], "cost.basis")) else {
      throw Fault("cost.basis: not known")
    }
    guard try text(data["cost"]?["currency"], "cost.currency") == "USD" else { throw Fault("cost.currency: not USD") }
    guard let amount = Money(try text(data["cost"]?["amount"], "cost.amount")) else {
      throw Fault("cost.amount: must be a decimal string")
    }
    guard amount >= .zero || corrects != nil else { throw Fault("cost.amount: negative without a correction") }
    cost = Cost(amount, basis: basis, priceID: try optionalText(data["cost"]?["priceId"], "cost.priceId"))
    output = try Self.output(data["output"], of: outcome)
    guard let entries = data["usage"], entries.isArray else { throw Fault("usage: must be an array") }
    usage = []
    for entry in entries.elements {
      for name in ["unit", "quantity", "source"] { _ = try text(entry[name], "usage.\(name)") }
      guard let read = Usage(reading: entry) else {
        throw Fault("usage: unit, quantity, source or dimensions not known")
      }
      guard read.quantity.mantissa >= 0 || corrects != nil else { throw Fault("usage.quantity: negative") }
      usage.append(read)
    }
    let id = try text(root["id"], "id")
    correction = nil
    if corrects != nil {
      guard let mark = id.range(of: "/c"), let number = Int(id[mark.upperBound...]), number >= 0 else {
        throw Fault("id: a correction ends with /c and a number")
      }
      correction = number
    }
    guard id == self.id else { throw Fault("id: does not fit jobId, run and attempt") }
    guard try text(root["subject"], "subject") == userID else { throw Fault("subject: is not the user") }
  }

  private static func output(_ value: JSONValue?, of outcome: AttemptOutcome) throws(Fault) -> [UInt8]? {
    guard let value, !value.isNull else { return nil }
    let isReference =
      value.members.count == 1 && (value["artifact"]?.isObject == true || value["artifacts"]?.isArray == true)
    guard isReference, outcome == .success else {
      throw Fault("output: must hold the artifact or artifacts of a success")
    }
    return Array(value.raw)
  }
}

extension String {
  /// The last occurrence of a short pattern; enough for ids, without Foundation.
  fileprivate func range(of pattern: String) -> Range<String.Index>? {
    var end = endIndex
    while end > startIndex {
      let start = index(end, offsetBy: -pattern.count, limitedBy: startIndex) ?? startIndex
      if self[start..<end] == pattern { return start..<end }
      end = index(before: end)
    }
    return nil
  }
}

extension Usage {
  /// Nil for an object that `JSONWriter.usage` did not write.
  package init?(reading entry: JSONValue) {
    guard let unit = entry["unit"]?.string.flatMap({ Unit(rawValue: $0) }),
      let quantity = entry["quantity"]?.string.flatMap({ ExactDecimal($0) }),
      let source = entry["source"]?.string.flatMap({ Source(rawValue: $0) })
    else { return nil }
    var words: [String: String] = [:]
    for name in ["size", "quality", "resolution"] {
      guard let value = entry[name], !value.isNull else { continue }
      guard let word = value.string, Dimensions.isWord(word) else { return nil }
      words[name] = word
    }
    self.init(
      unit, quantity, source,
      dimensions: Dimensions(size: words["size"], quality: words["quality"], resolution: words["resolution"]))
  }
}

extension CostEvent {
  /// The event in some bytes, nil if they are none. For bytes of our own, where a fault says nothing more.
  package static func reading(_ bytes: [UInt8]) -> CostEvent? {
    do { return try CostEvent(decoding: bytes) } catch { return nil }
  }
}
