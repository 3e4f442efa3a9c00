/// What a template is given. Members without a value are left out, since the engine takes a nil inside `Any` for a
/// value.
typealias Fields = [String: Any]

func fields(_ members: KeyValuePairs<String, Any?>) -> Fields {
  members.reduce(into: [:]) { fields, member in
    if let value = member.value { fields[member.key] = value }
  }
}
