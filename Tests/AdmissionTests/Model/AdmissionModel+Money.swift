import Admission
import Contracts

extension Spending {
  /// In the order of the scripts.
  var figures: [Int64] { [nanoUSD, tokens, audioMilliseconds, videoMilliseconds, jobs] }

  init(figures: [Int64]) {
    self.init(
      nanoUSD: figures[0], tokens: figures[1], audioMilliseconds: figures[2], videoMilliseconds: figures[3],
      jobs: figures[4])
  }
}

extension AdmissionLimits {
  /// What of a month may be used, in the order of the scripts.
  var caps: [Int64?] {
    [
      monthlyCap?.nanoUSD, tokens.map { Int64($0) }, audioSeconds.map { Int64($0) * 1000 },
      videoMinutes.map { Int64($0) * 60_000 }, jobs.map { Int64($0) },
    ]
  }
}

extension AdmissionModel {
  static let quotas: [MonthlyLimit] = [.money, .tokens, .audio, .video, .jobs]

  func openSum(_ user: String, _ month: String) -> [Int64] {
    (users[user]?.open.values ?? [:].values).reduce(into: [0, 0, 0, 0, 0]) { sum, entry in
      guard entry.month == month else { return }
      for index in 0..<5 { sum[index] += entry.figures[index] }
    }
  }

  func base(_ user: String, _ month: String) -> [Int64] { users[user]?.base[month]?.figures ?? [0, 0, 0, 0, 0] }

  enum Standing: Equatable {
    case fits
    case mustWait(WaitReason)
    case blocked(MonthlyLimit)
  }

  /// How a reservation stands against the caps of its month.
  func standing(of worst: [Int64], _ caps: [Int64?], _ user: String, _ month: String) -> Standing {
    let (base, open) = (base(user, month), openSum(user, month))
    var reason: WaitReason?
    for index in 0..<5 {
      guard let cap = caps[index], worst[index] > 0 else { continue }
      if base[index] + worst[index] > cap { return .blocked(Self.quotas[index]) }
      if reason == nil, base[index] + open[index] + worst[index] > cap {
        reason = index == 0 ? .moneyReserved : .quotaReserved
      }
    }
    return reason.map { .mustWait($0) } ?? .fits
  }

  mutating func reserve(_ user: String, _ event: String, _ month: String, _ figures: [Int64]) {
    users[user, default: User()].open[event] = Entry(month: month, figures: figures, isSettled: false)
  }

  /// The run's count as one job goes with the reservation.
  mutating func settle(_ user: String, _ event: String, _ month: String, _ spent: [Int64]) {
    let old = users[user]?.open[event]
    var figures = spent
    if let old { figures[4] = old.figures[4] }
    users[user, default: User()].open[event] = Entry(month: old?.month ?? month, figures: figures, isSettled: true)
  }

  mutating func book(_ month: AdmissionDesk.MonthBase) {
    var base = users[month.userID, default: User()].base[month.period] ?? Base()
    if month.row > base.row { base = Base(row: month.row, figures: month.spent.figures) }
    users[month.userID, default: User()].base[month.period] = base
    for event in month.eventIDs { users[month.userID]?.open[event] = nil }
  }

  mutating func assert(_ user: String, _ event: String, _ month: String, _ spent: [Int64]) {
    guard users[user]?.open[event] == nil else { return }
    users[user, default: User()].open[event] = Entry(month: month, figures: spent, isSettled: true)
  }
}
