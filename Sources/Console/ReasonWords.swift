import Admission
import Operations

/// What a job waits for, in few words.
struct ReasonWords {
  let code: String
  let words: String

  init(_ reason: WaitReason) {
    code = reason.rawValue
    words =
      switch reason {
      case .concurrency: "at once"
      case .rate: "rate"
      case .moneyReserved: "cost cap"
      case .quotaReserved: "quota"
      case .catchingUp: "catching up"
      case .notBefore: "not before"
      case .runningElsewhere: "other copy"
      case .providerResting: "provider"
      case .parents: "other jobs"
      }
  }

  static func all(areTheirs: Bool) -> [ReasonWords] {
    WaitReason.allCases.filter { $0.isTheirs == areTheirs }.map { ReasonWords($0) }
  }
}
