import Contracts
package import Operations

extension Console {
  /// What was spent and on what, by the ledger.
  /// - Parameters:
  ///   - money: as it was last read; nil while it never was.
  ///   - ledgerRefusal: why it cannot be read now.
  package static func money(_ money: MoneySample?, ledgerRefusal: String? = nil, _ chrome: Chrome) -> String {
    guard let money else {
      let body = fields([
        "sentence": "The ledger was not read yet", "lead": "Jobs go on without it: caps are judged by what Redis has.",
        "ledgerRefusal": ledgerRefusal ?? "It is read every ten seconds.", "hasMoney": false,
      ])
      return Pages.page("money", "Money", at: "money", chrome, body)
    }
    let tiers = Set(money.days.flatMap(\.tiers.keys)).sorted()
    let chart = MoneyChart(money, tiers: tiers)
    let today = money.today.map(\.total) ?? MoneySample.Sum()
    let body = fields([
      "sentence": "\(Figure.usd(today.amount)) today, \(Figure.usd(money.monthTotal)) this month",
      "lead": "As of \(Clock.second(money.asOf)) UTC, by the ledger. Today: \(Figure.count(today.jobs, "job"))"
        + (today.failed > .zero ? ", \(Figure.usd(today.failed)) of it for attempts that failed." : "."),
      "ledgerRefusal": ledgerRefusal.map { "\($0) What follows is older." }, "lag": lag(money), "hasMoney": true,
      "chartLabel": "Costs of the last \(money.days.count) days by tier; the table below has the same figures",
      "ticks": chart.ticks, "bars": chart.bars, "cap": chart.cap, "capSays": chart.capSays,
      "key": tiers.enumerated().map { ["code": $1, "tone": "t\($0 % MoneyChart.tones)"] as Fields },
      "days": money.days.reversed().map { dayFields($0, tiers) },
      "month": money.month, "monthTotal": Figure.usd(money.monthTotal),
      "monthRows": money.monthByTier.sorted { $0.key < $1.key }.map {
        ["code": $0, "amount": Figure.usd($1)] as Fields
      },
      "budgets": money.budgets.map(budgetFields),
      "facts": [
        [
          "name": "near a limit", "value": "\(Figure.count(money.usersNearLimit, "user")) at 80 % or more",
          "severity": money.usersNearLimit > 0 ? "warn" : "",
        ],
        ["name": "last booked", "value": lastBooked(money), "severity": ""],
      ] as [Fields],
    ])
    return Pages.page("money", "Money", at: "money", chrome, body)
  }

  private static func dayFields(_ day: MoneySample.Day, _ tiers: [String]) -> Fields {
    [
      "day": day.day, "tiers": tiers.map { tier in day.tiers[tier].map { Figure.usd($0.amount) } ?? Figure.unknown },
      "all": Figure.usd(day.total.amount), "failed": Figure.usd(day.total.failed), "jobs": Figure.count(day.total.jobs),
    ]
  }

  private static func budgetFields(_ budget: MoneySample.Budget) -> Fields {
    let severity = budget.percent >= 100 ? "bad" : budget.percent >= 80 ? "warn" : "calm"
    return [
      "scope": budget.scope.replacing(":", with: " "), "used": Figure.usd(budget.used),
      "limit": Figure.usd(budget.limit),
      "percent": "\(budget.percent)", "width": "\(min(100, budget.percent))", "severity": severity,
      "tone": severity == "calm" ? "" : severity,
    ]
  }

  private static func lag(_ money: MoneySample) -> String? {
    guard let waiting = money.eventsWaiting, waiting > 0 else { return nil }
    return "\(Figure.count(waiting, "cost event")) not booked yet: the newest sums are lower than what was spent."
  }

  private static func lastBooked(_ money: MoneySample) -> String {
    money.lastBooked.map { "\($0.words(until: money.asOf)) before that" } ?? "nothing yet"
  }
}
