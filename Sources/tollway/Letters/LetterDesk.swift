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
    var tally = Replays()
    do {
      try await letters.replay(options.choice, policy) { letter, fate in
        tally.count(letter, fate, kind, options.format)
      }
    } catch {
      if tally.replayed > 0 { StandardError.line("tollway: \(tally.replayed) \(kind.done) before it failed") }
      throw error
    }
    if options.format == .json { try Output.json(tally.rows) }
    if options.all, options.format == .table { Output.line("\(kind.done) \(tally.replayed), kept \(tally.kept)") }
    let missing = Set(options.ids).subtracting(tally.seen)
    guard missing.isEmpty else { throw unknown(missing.sorted()) }
    guard options.all || tally.kept == 0 else {
      throw CommandFailure(
        .failed, "\(tally.kept) of the letters cannot be \(kind.done)", "\(kind.command) show says what each one is")
    }
  }

  private func unknown(_ ids: [String]) -> CommandFailure {
    CommandFailure(
      .failed, "no letter of \(ids.joined(separator: ", ").printable) is among the \(kind.noun)",
      "\(kind.command) list shows the ids")
  }
}

/// What a replay came to.
private struct Replays {
  struct Row: Encodable {
    let id: String
    let run: String?
    let lane: String?
    let kept: String?
  }

  var replayed = 0
  var kept = 0
  var seen: Set<String> = []
  var rows: [Row] = []

  mutating func count(_ letter: Letter, _ fate: LetterBox.Fate, _ kind: LetterBox.Kind, _ format: Format) {
    seen.insert(letter.id)
    switch fate {
    case .replayed(let lane):
      replayed += 1
      if format == .json { return rows.append(Row(id: letter.id, run: letter.run, lane: lane.rawValue, kept: nil)) }
      Output.line("\(kind.done) \(letter.id.printable) to lane \(lane.rawValue)")
    case .kept(let reason):
      kept += 1
      if format == .json { return rows.append(Row(id: letter.id, run: letter.run, lane: nil, kept: reason)) }
      Output.line("kept \(letter.id.printable): \(reason.printable)")
    }
  }
}

extension LetterBox.Kind {
  fileprivate var word: String { self == .dead ? "dead" : "blocked" }
  fileprivate var noun: String { self == .dead ? "dead letters" : "blocked jobs" }
  fileprivate var done: String { self == .dead ? "replayed" : "released" }
  fileprivate var command: String { "tollway \(word)" }
}
