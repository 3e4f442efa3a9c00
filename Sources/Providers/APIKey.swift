import Catalog
import Foundation

/// The secret of a provider, read once from where the policy file says. Prints as `‹redacted›` whatever prints it.
struct APIKey: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  private let secret: String

  var authorization: String { "Bearer \(secret)" }
  /// For servers that take it in a header of its own.
  var headerValue: String { secret }
  var description: String { "‹redacted›" }
  var debugDescription: String { description }
  var customMirror: Mirror { Mirror(self, children: []) }

  /// What a definition leads to: a key, no key because none is named, or the reason why the named one is not there.
  enum Lookup: Sendable {
    case found(APIKey)
    case notNeeded
    case missing(String)
  }

  static func lookUp(_ definition: ProviderDefinition, environment: [String: String]) -> Lookup {
    if let variable = definition.apiKeyVariable {
      guard let text = environment[variable] else { return .missing("set \(variable)") }
      return accepted(text, from: variable)
    }
    if let path = definition.apiKeyFile {
      do {
        return accepted(try String(contentsOfFile: path, encoding: .utf8), from: path)
      } catch {
        return .missing("the key file \(path) cannot be read")
      }
    }
    return .notNeeded
  }

  /// Blanks around it are not part of a key; anything but printable ASCII inside would forge header lines.
  private static func accepted(_ text: String, from source: String) -> Lookup {
    let trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
    guard !trimmed.isEmpty else { return .missing("the key in \(source) is empty") }
    guard trimmed.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
      return .missing("the key in \(source) has characters that no key has")
    }
    return .found(APIKey(secret: trimmed))
  }
}
