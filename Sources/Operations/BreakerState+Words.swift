package import Admission

extension BreakerState.Reason {
  /// Why a provider does not serve, behind its name and a colon.
  package var words: String {
    switch self {
    case .failures: "its calls failed"
    case .rate: "it asked to be left alone"
    case .account: "it refuses the key or the account"
    case .funds: "no money is left there"
    case .gone: "it no longer has the model"
    case .hand: "it is held"
    }
  }
}
