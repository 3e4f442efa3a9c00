import Contracts

// The form in which a freeze is stored and travels: one JSON object. Members that are absent have the default of the
// policy file.

extension Freeze {
  /// Why bytes are no freeze.
  package struct Fault: Error, Sendable, Equatable, CustomStringConvertible {
    package var description: String

    package init(_ description: String) { self.description = description }
  }

  package func encoded() -> [UInt8] {
    var json = JSONWriter(capacity: 256 + models.count * 128)
    json.literal("{")
    json.member("id", id)
    json.member("since", since)
    json.member("by", by)
    json.member("reason", reason)
    json.key("models")
    json.list(models) { json, listing in
      json.literal("{")
      json.member("provider", listing.provider)
      json.member("task", listing.task.rawValue)
      json.member("model", listing.model)
      json.member(optional: "version", listing.version)
      if listing.stage != .stable { json.member("stage", listing.stage.rawValue) }
      if listing.verified {
        json.key("verified")
        json.literal("true")
      }
      if let context = listing.contextTokens { json.member("context", Int64(context)) }
      json.member(optional: "id", listing.id)
      json.literal("}")
    }
    json.key("pins")
    json.object(pins.keys.sorted()) { json, tier in
      let tasks = TaskType.allCases.filter { pins[tier]?[$0] != nil }
      json.object(tasks.map(\.rawValue)) { json, name in
        let list = TaskType(rawValue: name).flatMap { pins[tier]?[$0] } ?? []
        json.list(list) { json, pin in
          json.literal("{")
          json.member("provider", pin.provider)
          json.member("model", pin.model)
          json.member(optional: "version", pin.version)
          json.literal("}")
        }
      }
    }
    json.literal("}")
    return json.bytes
  }

  /// A listing of a task or stage that this release does not know is left out: it could not run it.
  package init(decoding bytes: [UInt8]) throws(Fault) {
    let root: JSONValue
    do {
      root = try JSONParser.parse(bytes).root
    } catch {
      throw Fault("not valid JSON: \(error)")
    }
    guard let id = root["id"]?.string, let since = root["since"]?.string.flatMap({ Timestamp($0) }),
      let by = root["by"]?.string, let reason = root["reason"]?.string, let models = root["models"],
      let tiers = root["pins"], models.isArray, tiers.isObject
    else { throw Fault("id, since, by, reason, models or pins are missing") }
    var pins: [String: [TaskType: [TierPolicy.Pin]]] = [:]
    for (tier, tasks) in tiers.members {
      pins[tier] = [:]
      for (name, list) in tasks.members {
        guard let task = TaskType(rawValue: name) else { continue }
        var held: [TierPolicy.Pin] = []
        for value in list.elements { held.append(try TierPolicy.Pin(reading: value)) }
        pins[tier]?[task] = held
      }
    }
    var held: [ModelListing] = []
    for value in models.elements {
      if let listing = try ModelListing(reading: value) { held.append(listing) }
    }
    self.init(id: id, since: since, by: by, reason: reason, models: held, pins: pins)
  }
}

extension ModelListing {
  fileprivate init?(reading value: JSONValue) throws(Freeze.Fault) {
    guard let provider = value["provider"]?.string, let model = value["model"]?.string,
      let task = value["task"]?.string
    else { throw Freeze.Fault("models: one without provider, task or model") }
    let stage = value["stage"]?.string ?? Stage.stable.rawValue
    guard let task = TaskType(rawValue: task), let stage = Stage(rawValue: stage) else { return nil }
    self.init(
      provider: provider, task: task, model: model, version: value["version"]?.string, stage: stage,
      verified: value["verified"]?.bool ?? false, contextTokens: value["context"]?.integer, id: value["id"]?.string)
  }
}

extension TierPolicy.Pin {
  fileprivate init(reading value: JSONValue) throws(Freeze.Fault) {
    guard let provider = value["provider"]?.string, let model = value["model"]?.string else {
      throw Freeze.Fault("pins: one without provider or model")
    }
    self.init(provider: provider, model: model, version: value["version"]?.string)
  }
}

extension JSONWriter {
  /// Nothing for nil.
  fileprivate mutating func member(optional name: StaticString, _ text: String?) {
    if let text { member(name, text) }
  }

  fileprivate mutating func list<Element>(_ elements: [Element], _ write: (inout JSONWriter, Element) -> Void) {
    literal("[")
    for (index, element) in elements.enumerated() {
      if index > 0 { literal(",") }
      write(&self, element)
    }
    literal("]")
  }

  fileprivate mutating func object(_ names: [String], _ write: (inout JSONWriter, String) -> Void) {
    literal("{")
    for (index, name) in names.enumerated() {
      if index > 0 { literal(",") }
      string(name)
      literal(":")
      write(&self, name)
    }
    literal("}")
  }
}
