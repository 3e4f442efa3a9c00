import Foundation

/// Colours, where somebody looks: on a terminal that is not `dumb`, unless `NO_COLOR` is set; `FORCE_COLOR` wins over
/// both (https://no-color.org, https://force-color.org).
struct Style {
  enum Colour: String { case red = "31", green = "32", yellow = "33", bold = "1", dim = "2" }

  private let isColoured: Bool

  init(isColoured: Bool) { self.isColoured = isColoured }

  static let output = Style(
    isTerminal: isatty(STDOUT_FILENO) == 1, environment: ProcessInfo.processInfo.environment)

  init(isTerminal: Bool, environment: [String: String]) {
    func isSet(_ name: String) -> Bool { environment[name].map { !$0.isEmpty } ?? false }
    isColoured = isSet("FORCE_COLOR") || isTerminal && !isSet("NO_COLOR") && environment["TERM"] != "dumb"
  }

  func paint(_ text: String, _ colour: Colour?) -> String {
    guard isColoured, let colour, !text.isEmpty else { return text }
    return "\u{1B}[\(colour.rawValue)m\(text)\u{1B}[0m"
  }
}
