import Console
import Contracts
@testable import Operations

extension Sample {
  /// Every page, by a name for its file.
  var pages: [(name: String, html: String)] {
    get throws {
      try [
        ("plaza", Console.plaza(fleet, verdict, history: trend, changes: changes, chrome)),
        ("plaza-idle", idlePlaza),
        ("lane", Console.lane(.standard, fleet, verdict, history: trend, chrome)),
        ("finder", Console.finder(query: user, refusal: "Nobody is called \(user).", chrome)),
        ("job-waiting", Console.job(waitingJob, chrome)), ("job-dead", Console.job(deadJob, chrome)),
        ("job-unknown", Console.job(Explanation(unknown: "7F3K\(evil)", at: now), chrome)),
        ("providers", Console.providers(board, samples: fleet.providers, chrome)),
        ("dead", Console.letters(LettersPage(kind: .dead, letters: letters(418, .dead), isAll: false), chrome)),
        (
          "blocked",
          Console.letters(
            LettersPage(kind: .blocked, letters: letters(3, .blocked), isAll: true, reason: "x\(evil)", user: user),
            chrome)
        ),
        ("dead-none", Console.letters(LettersPage(kind: .dead, letters: [], isAll: true), chrome)),
        ("plan", Console.plan(plan, refusal: "The number was not 97.", chrome)),
        ("result", Console.planResult(result, chrome)),
        ("user", Console.user(usage, card: card, tiers: ["FREE", "PRO"], chrome)),
        (
          "user-no-ledger",
          Console.user(usage, card: nil, ledgerRefusal: "The ledger does not answer.", tiers: ["FREE"], chrome)
        ),
        ("money", Console.money(money, chrome)),
        ("money-none", Console.money(nil, ledgerRefusal: "The ledger does not answer\(evil).", chrome)),
        ("alerts-none", Console.alerts(open: [], recent: [], chrome)),
        ("freeze-off", Console.freeze(freezeCard(isOn: false), chrome)),
        ("freeze-confirm", Console.freezeConfirm(freezeCard(isOn: true), state: "off", chrome)),
        ("changes", Console.changes(changes, chrome)), ("changes-none", Console.changes(nil, chrome)),
        ("problem", Console.problem(title: "Not found\(evil)", detail: "There is no such page\(evil).", chrome)),
        (
          "sign-in", Console.signIn(fleet: "prod-eu\(evil)", refusal: "This key is not known.", next: "/console\(evil)")
        ),
      ]
    }
  }

  private var idlePlaza: String {
    let sample = FleetSample(time: now)
    let verdict = Verdict(
      .idle, "Nothing has run yet",
      commands: ["tollway worker", "tollway billing", "tollway submit --user ana --task echo", "tollway doctor"])
    return Console.plaza(sample, verdict, history: FleetTrend(), changes: [], chrome)
  }
}
