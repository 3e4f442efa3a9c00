import Catalog
import Contracts
import Lanes
import Operations

/// What `tollway dead` and `tollway blocked` do: the same on two queues.
struct LetterDesk {
  private let kind: LetterBox.Kind
  private let letters: Letters
  private let settings: Settings

  init(_ kind: LetterBox.Kind, _ settings: Settings) throws(CommandFailure) {
    self.kind = kind
    self.settings = settings
    letters = Letters(kind, at: try Wires.forCommand(kind.word, settings).broker)
  }

  func list(_ options: LetterListOptions) async throws {
    let (letters, isAll) = try await letters.list(options.filter, limit: options.limit)
    switch options.format {
    case .json: try Output.json(letters.map { LetterRow($0) })
    case .table where letters.isEmpty: StandardError.line("no \(kind.noun)")
    case .table:
      Self.table(letters).print()
      if !isAll { StandardError.line("there may be more; --limit shows them") }
    }
  }

  static func table(_ letters: [Letter]) -> Table {
    var detail = Table.Column(stringLiteral: "DETAIL")
    detail.limit = 60
    var table = Table(["JOB", "USER", "TASK", "REASON", .number("ATTEMPTS"), "LANE", "FIRST_SEEN", detail])
    for letter in letters {
      table.add(
        "\(letter.id)", .init(letter.userID), .init(letter.taskType), "\(letter.reason)", .init(letter.attempts),
        .init(letter.lane), .init(letter.firstSeen), "\(letter.detail)")
    }
    return table
  }

  func show(_ options: LetterShowOptions) async throws {
    let found = try await letters.find(options.id)
    guard !found.isEmpty else { throw unknown([options.id]) }
    if options.format == .json {
      return try Output.json(found.map { LetterRow($0.letter, body: options.withBody ? $0.body : nil) })
    }
    for (index, (letter, body)) in found.enumerated() {
      if index > 0 { Output.line("") }
      letter.facts.print()
      guard options.withBody else { continue }
      Output.line("")
      Output.line(String(decoding: body, as: UTF8.self).printable)
    }
  }

  func replay(_ options: LetterReplayOptions) async throws {
    let policy = try RuleBook.policy(at: try settings.policyPath())
    let kind = kind
    let (audit, unkept) = await Audit.found(settings)
    var done = 0
    let report: LetterReport
    do {
      report = try await letters.replay(
        options.choice, policy, options.note.act, audit
      ) { letter, fate in
        if case .replayed = fate { done += 1 }
        if options.format == .table { Output.line(fate.line(of: letter, kind)) }
      }
    } catch {
      if done > 0 {
        StandardError.line("tollway: \(done) \(kind.done) before it failed")
        unkept.map(Audit.say)
      }
      throw error
    }
    unkept.map(Audit.say)
    if options.format == .json { try Output.json(report.rows) }
    if options.all, options.format == .table { Output.line("\(kind.done) \(report.done), kept \(report.kept)") }
    guard report.missing.isEmpty else { throw unknown(report.missing) }
    guard options.all || report.kept == 0 else {
      throw CommandFailure(
        .failed, "\(report.kept) of the letters cannot be \(kind.done)", "\(kind.command) show says what each one is")
    }
  }

  private func unknown(_ ids: [String]) -> CommandFailure {
    CommandFailure(
      .failed, "no letter of \(ids.joined(separator: ", ").printable) is among the \(kind.noun)",
      "\(kind.command) list shows the ids")
  }
}

extension LetterBox.Fate {
  fileprivate func line(of letter: Letter, _ kind: LetterBox.Kind) -> String {
    switch self {
    case .replayed(let lane): "\(kind.done) \(letter.id.printable) to lane \(lane.rawValue)"
    case .kept(let reason): "kept \(letter.id.printable): \(reason.printable)"
    }
  }
}

extension LetterBox.Kind {
  fileprivate var word: String { self == .dead ? "dead" : "blocked" }
  fileprivate var noun: String { self == .dead ? "dead letters" : "blocked jobs" }
  fileprivate var done: String { self == .dead ? "replayed" : "released" }
  fileprivate var command: String { "tollway \(word)" }
}
