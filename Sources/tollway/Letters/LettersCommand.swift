import ArgumentParser
import Billing
import Lanes

/// `tollway dead`: jobs that are no longer tried.
struct DeadCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dead", abstract: "Show and replay dead letters.",
    subcommands: [List.self, Show.self, Replay.self])

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Dead letters with their reasons, oldest first.")

    @OptionGroup var settings: Settings
    @OptionGroup var options: LetterListOptions

    func run() async throws { try await LetterDesk(.dead, settings).list(options) }
  }

  struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Everything about one job's dead letter.")

    @OptionGroup var settings: Settings
    @OptionGroup var options: LetterShowOptions

    func run() async throws { try await LetterDesk(.dead, settings).show(options) }
  }

  struct Replay: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Start a new run of dead jobs.",
      discussion: "Letters that would end the same way again, such as invalid messages, stay where they are.")

    @OptionGroup var settings: Settings
    @OptionGroup var options: LetterReplayOptions

    func run() async throws { try await LetterDesk(.dead, settings).replay(options) }
  }
}

/// `tollway blocked`: jobs that a hard limit stopped.
struct BlockedCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "blocked", abstract: "Show and release jobs that a hard limit stopped.",
    subcommands: [List.self, Show.self, Release.self])

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Blocked jobs with their reasons, oldest first.")

    @OptionGroup var settings: Settings
    @OptionGroup var options: LetterListOptions

    func run() async throws { try await LetterDesk(.blocked, settings).list(options) }
  }

  struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Everything about one blocked job.")

    @OptionGroup var settings: Settings
    @OptionGroup var options: LetterShowOptions

    func run() async throws { try await LetterDesk(.blocked, settings).show(options) }
  }

  struct Release: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Let blocked jobs be tried again.",
      discussion: """
        Raise the limit first, or they are blocked again: tollway users set. At most 100 a second are released; when \
        the month turns, tollway billing does the same by itself.
        """)

    @OptionGroup var settings: Settings
    @OptionGroup var options: LetterReplayOptions

    func run() async throws { try await LetterDesk(.blocked, settings).replay(options) }
  }
}

struct LetterListOptions: ParsableArguments {
  @Option(help: "Only letters with this reason.") var reason: String?
  @Option(help: "Only letters of this user.") var user: String?
  @Option(help: "At most so many.") var limit = 100
  @Option(help: "table or json.") var format = Format.table

  func validate() throws {
    guard limit >= 1 else { throw ValidationError("--limit: must be 1 or more") }
  }

  var filter: LetterFilter { LetterFilter(reasons: reason.map { [$0] }, userID: user) }
}

struct LetterShowOptions: ParsableArguments {
  @Argument(help: "The job's id, as listed.") var id: String
  @Flag(help: "Print the message too; it holds the user's texts.") var withBody = false
  @Option(help: "table or json.") var format = Format.table
}

struct LetterReplayOptions: ParsableArguments {
  @Argument(help: "Ids of jobs, as listed.") var ids: [String] = []
  @Flag(help: "All there are.") var all = false
  @Option(help: "With --all: only letters with this reason.") var reason: String?
  @Option(help: "With --all: only letters of this user.") var user: String?
  @OptionGroup var note: LetterNote
  @Option(help: "table or json.") var format = Format.table

  func validate() throws {
    guard all != !ids.isEmpty else { throw ValidationError("give ids, or --all") }
    guard all || reason == nil && user == nil else { throw ValidationError("--reason and --user go with --all") }
  }

  var choice: LetterBox.Choice {
    all ? .all(LetterFilter(reasons: reason.map { [$0] }, userID: user)) : .ids(Set(ids))
  }
}

/// Who replays and why, for the audit; `--reason` says which letters.
struct LetterNote: ParsableArguments {
  @Option(help: "Who does it; default is the name of the login.") var by: String?
  @Option(help: "Why, in a few words; --reason chooses letters here.") var note = ""

  var act: ActNote { ActNote(by: ChangeNote.author(by), reason: note, surface: .cli) }
}
