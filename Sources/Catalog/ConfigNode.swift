import Yams

/// The tree of a YAML text, reduced to what our files use: mappings with plain keys, lists, scalars as they are
/// written (so that `0.15` never becomes a binary fraction and `1.0` stays a version). The only door to Yams.
struct ConfigNode {
  enum Content {
    case null
    case scalar(String)
    case list([ConfigNode])
    case map([Member])
  }

  struct Member {
    var key: String
    var node: ConfigNode
  }

  /// Largest file, in bytes. A policy for a thousand tiers is smaller.
  static let maximumBytes = 1 << 20
  /// Deepest nesting; our files need seven levels.
  static let maximumDepth = 16

  var content: Content
  var line: Int?

  /// Values in one file, those that an alias (`*name`) repeats counted each time: the end of every "billion laughs".
  static let maximumValues = 50_000

  static func parse(_ text: String) throws(FileFault) -> ConfigNode {
    guard text.utf8.count <= maximumBytes else {
      throw whole("is larger than 1 MiB; this is not a file of ours, or it must be split", line: nil)
    }
    let root: Node?
    do {
      root = try Yams.compose(yaml: text)
    } catch let error as YamlError {
      throw explain(error)
    } catch {
      throw whole("is not valid YAML", line: nil)
    }
    guard let root else { throw whole("is empty", line: nil) }
    var values = 0
    return try convert(root, depth: 1, values: &values)
  }

  private static func convert(_ node: Node, depth: Int, values: inout Int) throws(FileFault) -> ConfigNode {
    let line = node.mark?.line
    values += 1
    guard values <= maximumValues else { throw whole("holds more than \(maximumValues) values", line: line) }
    guard depth <= maximumDepth else { throw whole("is nested deeper than \(maximumDepth)", line: line) }
    switch node {
    case .scalar(let scalar):
      let isNull = scalar.style == .plain && ["", "~", "null", "Null", "NULL"].contains(scalar.string)
      return ConfigNode(content: isNull ? .null : .scalar(scalar.string), line: line)
    case .sequence(let sequence):
      var list: [ConfigNode] = []
      for element in sequence { list.append(try convert(element, depth: depth + 1, values: &values)) }
      return ConfigNode(content: .list(list), line: line)
    case .mapping(let mapping):
      var members: [Member] = []
      for (key, value) in mapping {
        guard case .scalar(let name) = key else {
          throw whole("has a key that is not plain text; write `name: value`", line: key.mark?.line)
        }
        var converted = try convert(value, depth: depth + 1, values: &values)
        converted.line = key.mark?.line
        members.append(Member(key: name.string, node: converted))
      }
      return ConfigNode(content: .map(members), line: line)
    case .alias:
      throw whole("uses an alias (*) that could not be resolved; write the value out", line: line)
    }
  }

  private static func explain(_ error: YamlError) -> FileFault {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      whole("is not valid YAML: \(problem)", line: mark.line)
    case .reader(let problem, _, _, _): whole("is not valid YAML: \(problem)", line: nil)
    case .duplicatedKeysInMapping(_, let context): whole("has a key twice in one mapping", line: context.mark.line)
    default: whole("is not valid YAML", line: nil)
    }
  }

  private static func whole(_ message: String, line: Int?) -> FileFault {
    FileFault([FileNotice(path: "", message: "the file \(message)", line: line)])
  }
}
