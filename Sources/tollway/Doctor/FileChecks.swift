import Billing
import Catalog
import Contracts
import Foundation

/// The files a role reads and writes, and the providers the policy names. Reads no secret: only whether it is there.
struct FileChecks {
  let settings: Settings
  private let environment = ProcessInfo.processInfo.environment
  private let files = FileManager.default

  init(settings: Settings) { self.settings = settings }

  func run(_ checkup: inout Checkup) async {
    await ledger(&checkup)
    artifacts(&checkup)
    prices(&checkup)
    if let policy = policy(&checkup) {
      providers(of: policy, &checkup)
      webhook(of: policy, &checkup)
    }
  }

  private func ledger(_ checkup: inout Checkup) async {
    do {
      let path = try Ledger.path(ofURL: settings.ledger)
      if let path, !files.fileExists(atPath: path) { return directory(of: path, &checkup) }
      let ledger = try Ledger.openExisting(settings)
      try await ledger.reach()
      try ledger.close()
      checkup.fine("ledger", "\(path ?? "PostgreSQL") opens, its schema is up to date")
    } catch let error as LedgerError where error.code == .absent {
      checkup.note("ledger", "\(error.message) yet; tollway billing will make it")
    } catch let error as LedgerError where error.code == .olderSchema {
      checkup.warn("ledger", error.message, CommandFailure.ledger(error).remedy)
    } catch {
      checkup.fail("ledger", error)
    }
  }

  private func directory(of path: String, _ checkup: inout Checkup) {
    let directory = URL(filePath: path).deletingLastPathComponent().path
    if isWritableDirectory(directory) {
      checkup.note("ledger", "\(path) is not there yet; tollway billing will make it")
    } else {
      checkup.fail("ledger", "\(path) cannot be created", "mkdir -p \(directory), and let this user write there")
    }
  }

  private func artifacts(_ checkup: inout Checkup) {
    let path = settings.artifactDirectory
    if files.fileExists(atPath: path) {
      guard isWritableDirectory(path) else {
        return checkup.fail(
          "artifacts", "\(path) cannot be written", "let this user write there, or set TOLLWAY_ARTIFACTS")
      }
      return checkup.fine("artifacts", "\(path) can be written")
    }
    var parent = URL(filePath: path).deletingLastPathComponent()
    while !files.fileExists(atPath: parent.path), parent.path != "/" { parent.deleteLastPathComponent() }
    guard isWritableDirectory(parent.path) else {
      return checkup.fail("artifacts", "\(path) cannot be created", "mkdir -p \(path), or set TOLLWAY_ARTIFACTS")
    }
    checkup.fine("artifacts", "\(path) will be created by the first worker that needs it")
  }

  private func isWritableDirectory(_ path: String) -> Bool {
    var isDirectory: ObjCBool = false
    return files.fileExists(atPath: path, isDirectory: &isDirectory) && isDirectory.boolValue
      && files.isWritableFile(atPath: path)
  }

  private func prices(_ checkup: inout Checkup) {
    do {
      let path = try settings.pricesPath()
      let book = try RuleBook.prices(at: path)
      let doubts = PriceCheck.findings(in: book, asOf: Wires.now()).count
      let text = "\(path ?? "the built-in price book"): \(book.prices.count) prices"
      guard doubts == 0 else {
        return checkup.warn("prices", "\(text), \(doubts) doubtful", "tollway prices check \(path ?? "")")
      }
      checkup.fine("prices", text)
    } catch {
      checkup.fail("prices", error)
    }
  }

  private func policy(_ checkup: inout Checkup) -> Policy? {
    do {
      let path = try settings.policyPath()
      let policy = try RuleBook.policy(at: path)
      checkup.fine(
        "policy", "\(path ?? "the built-in policy"): \(policy.tiers.count) tiers, \(policy.providers.count) providers")
      return policy
    } catch {
      checkup.fail("policy", error)
      return nil
    }
  }

  /// Only billing sends; on another machine the variable need not be there.
  private func webhook(of policy: Policy, _ checkup: inout Checkup) {
    switch WebhookAddress.look(policy, environment: environment) {
    case .none: break
    case .known: checkup.fine("webhook", "\(policy.notify.webhookEnvironment ?? "") is set")
    case .unusable(let why):
      checkup.warn(
        "webhook", "\(why): alerts go to the exchange and the log only",
        "export it where tollway billing runs, or take notify_admin.webhook_env out of the policy file")
    }
  }

  /// A provider that is not ready is passed over by the plan: a warning, not a failure.
  private func providers(of policy: Policy, _ checkup: inout Checkup) {
    var unready: Set<String> = []
    let used = Set(policy.tiers.values.flatMap { $0.providers.values.joined() })
    for name in used.sorted() {
      guard let definition = policy.providers[name] else { continue }
      let readiness = ProviderReadiness(definition, environment: environment)
      switch readiness {
      case .ready(let message): checkup.fine("provider \(name)", message)
      case .missing(let message, let remedy): checkup.warn("provider \(name)", message, remedy)
      }
      if !readiness.isReady { unready.insert(name) }
    }
    for task in TaskType.allCases {
      let lists = policy.tiers.values.compactMap { $0.providers[task] }.filter { !$0.isEmpty }
      if lists.contains(where: { $0.allSatisfy(unready.contains) }) {
        checkup.warn(
          "task \(task.rawValue)", "no provider is ready for every tier: such jobs become dead letters",
          "make one of its providers ready, then tollway dead replay --all")
      }
    }
  }
}
