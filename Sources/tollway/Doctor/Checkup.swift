import Contracts

/// What `tollway doctor` has found so far.
struct Checkup: Encodable {
  enum State: String, Encodable { case fine, note, warning, failed, unreachable }

  struct Finding: Encodable {
    let subject: String
    let state: State
    let message: String
    /// What to type or change; nil where all is well.
    let remedy: String?
  }

  private(set) var findings: [Finding] = []

  mutating func fine(_ subject: String, _ message: String) {
    findings.append(Finding(subject: subject, state: .fine, message: message, remedy: nil))
  }

  /// What cannot be checked from here, or needs nothing done.
  mutating func note(_ subject: String, _ message: String) {
    findings.append(Finding(subject: subject, state: .note, message: message, remedy: nil))
  }

  mutating func warn(_ subject: String, _ message: String, _ remedy: String) {
    findings.append(Finding(subject: subject, state: .warning, message: message, remedy: remedy))
  }

  mutating func fail(_ subject: String, _ message: String, _ remedy: String) {
    findings.append(Finding(subject: subject, state: .failed, message: message, remedy: remedy))
  }

  mutating func fail(_ subject: String, _ failure: CommandFailure) {
    let state: State = failure.exit == .unreachable ? .unreachable : .failed
    findings.append(Finding(subject: subject, state: state, message: failure.happened, remedy: failure.remedy))
  }

  /// Whatever a check threw.
  mutating func fail(_ subject: String, _ error: any Error) {
    if let failure = CommandFailure(error) {
      fail(subject, failure)
    } else {
      fail(subject, "\(error)", "see the message")
    }
  }

  func count(_ state: State) -> Int { findings.count { $0.state == state } }

  /// Nil when nothing failed.
  var failure: CommandFailure? {
    let (unreachable, failed) = (count(.unreachable), count(.failed))
    guard unreachable + failed > 0 else { return nil }
    return CommandFailure(
      unreachable > 0 ? .unreachable : .failed, "\(unreachable + failed) of \(findings.count) checks failed",
      "each line above with ✕ has what to do below it")
  }

  func lines(_ style: Style) -> [String] {
    let width = findings.map(\.subject.count).max() ?? 0
    return findings.flatMap { finding in
      let padding = String(repeating: " ", count: width - finding.subject.count + 2)
      let line =
        "\(style.paint(finding.state.mark, finding.state.colour)) \(finding.subject)\(padding)\(finding.message.printable)"
      return [line] + (finding.remedy.map { ["    \($0.printable)"] } ?? [])
    }
  }
}

extension Checkup.State {
  fileprivate var mark: String {
    switch self {
    case .fine: "✓"
    case .note: "·"
    case .warning: "!"
    case .failed, .unreachable: "✕"
    }
  }

  fileprivate var colour: Style.Colour {
    switch self {
    case .fine: .green
    case .note: .dim
    case .warning: .yellow
    case .failed, .unreachable: .red
    }
  }
}
