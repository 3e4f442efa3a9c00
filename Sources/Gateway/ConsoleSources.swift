import Admission
import Billing
import Catalog
import Contracts
import Lanes
import Logging
import Operations

/// Where the pages and acts of the console get what they show and change.
struct ConsoleSources: Sendable {
  let desk: AdmissionDesk
  let ledger: LedgerAccess
  let policy: @Sendable () -> Policy
  let now: @Sendable () -> Timestamp
  let resolver: PolicyResolver
  let jobs: Gathering<String, JobStatus?>
  let canceller: Canceller
  let logger: Logger
  /// Of both kinds, shared with the API: who looks at the same letters takes turns.
  let letters: [LetterBox.Kind: Letters]

  func box(_ kind: LetterBox.Kind) -> Letters {
    guard let box = letters[kind] else { fatalError("Bug: no letters of this kind") }
    return box
  }

  /// - Throws: what to do where the ledger cannot be opened.
  func acts() async throws(Problem) -> Acts {
    Acts(ledger: try await openedLedger(), desk: desk, policy: policy(), now: now)
  }

  func audit() async throws(Problem) -> Audit {
    Audit(in: try await openedLedger()) { [logger] error in
      logger.error("the outcome of an act is not in the audit", metadata: [LogKey.error: "\(error)"])
    }
  }

  private func openedLedger() async throws(Problem) -> Ledger {
    do {
      return try await ledger.ledger()
    } catch {
      throw Problem(acting: error)
    }
  }

  /// What the ledger says and does; what it cannot becomes a problem with the remedy in it.
  func acting<Value: Sendable>(_ body: (Acts) async throws -> Value) async throws -> Value {
    let acts = try await acts()
    do {
      return try await body(acts)
    } catch let problem as Problem {
      throw problem
    } catch {
      throw Problem(acting: error)
    }
  }

  /// Nil for a job that is not known.
  func status(of job: String) async throws(Problem) -> JobStatus? {
    do {
      return try await jobs.ask(job)
    } catch {
      throw Problem.stateUnreachable
    }
  }

  /// Those of one job, a run each.
  func find(_ kind: LetterBox.Kind, _ job: String) async throws -> [Letter] {
    do {
      return try await box(kind).find(job).map(\.letter)
    } catch {
      throw Problem(acting: error)
    }
  }

  /// Oldest first.
  func read(_ kind: LetterBox.Kind, _ filter: LetterFilter, limit: Int) async throws -> (letters: [Letter], isAll: Bool)
  {
    do {
      return try await box(kind).list(filter, limit: limit)
    } catch {
      throw Problem(acting: error)
    }
  }
}
