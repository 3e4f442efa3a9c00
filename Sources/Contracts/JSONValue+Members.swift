extension JSONValue {
  /// This object, as a document of its own, with another value under a name, or without that member.
  /// - Parameter text: JSON that was read strictly or written by our own writer; nil to leave the member out. Where
  ///   nothing would change, the value itself is the answer.
  /// - Throws: when the whole is more than one document may be.
  package func replacing(_ name: String, with text: [UInt8]?) throws(JSONFault) -> JSONValue {
    guard text != nil || self[name] != nil else { return self }
    var json = JSONWriter(capacity: raw.count + (text?.count ?? 0) + name.utf8.count + 8)
    json.literal("{")
    var isFirst = true
    func begin(_ key: String) {
      if !isFirst { json.literal(",") }
      isFirst = false
      json.string(key)
      json.literal(":")
    }
    for (key, value) in members where key != name {
      begin(key)
      json.raw(value.raw)
    }
    if let text {
      begin(name)
      json.raw(text)
    }
    json.literal("}")
    return try JSONParser.parse(json.bytes).root
  }
}
