import Console
import Contracts
import Hummingbird
import Operations

/// What stands around every page of one gateway.
struct ConsoleFrame: Sendable {
  /// Its namespace, or the product's name where it has none.
  let fleet: String
  let sampler: FleetSampler
  let now: @Sendable () -> Timestamp

  /// - Parameter sight: where the page has one already.
  func chrome(_ context: GatewayContext, _ sight: FleetSight? = nil, notice: ConsoleNotice? = nil) async -> Chrome {
    let sample: FleetSample
    if let sight { sample = sight.sample } else { sample = await sampler.current().sample }
    let principal = context.principal ?? .nobody
    return Chrome(
      fleet: fleet, actor: principal.nameForPeople, role: principal.role,
      token: context.visit?.formToken ?? "", time: now().description, interventions: sample.interventions,
      notice: notice?.sentence)
  }

  /// With what a form before it has done.
  func chrome(_ context: GatewayContext, after request: Request, _ sight: FleetSight? = nil) async -> Chrome {
    let told = request.uri.queryParameters.get("told").flatMap { ConsoleNotice(rawValue: $0) }
    return await chrome(context, sight, notice: told)
  }
}

/// What a form has done, told on the page that comes next.
enum ConsoleNotice: String, Sendable, CaseIterable {
  case cancelled, cancelling, cancelledBefore, held, heldBefore, released, servedBefore, assigned, unassigned, asTier
  case frozen, frozenBefore, unfrozen, unfrozenBefore

  var sentence: String {
    switch self {
    case .cancelled: "The job is cancelled."
    case .cancelling: "The job ends as soon as its worker hears of it."
    case .cancelledBefore: "The job was cancelled already."
    case .held: "The provider is out of service until it is released."
    case .heldBefore: "The provider was out of service already; whose hold it is stands below."
    case .released: "The provider serves again."
    case .servedBefore: "Nothing stood against the provider."
    case .assigned: "What is laid down for the user counts from the next job on; jobs that wait are judged anew."
    case .unassigned: "The user is as the tier says again."
    case .asTier: "Nothing was laid down for the user."
    case .frozen: "The fleet keeps to the versions below until it is unfrozen."
    case .frozenBefore: "The fleet was frozen already and stays as it is."
    case .unfrozen: "The freeze is over."
    case .unfrozenBefore: "There was no freeze."
    }
  }

  /// The page, and this with it.
  func after(_ path: String) -> String { "\(path)?told=\(rawValue)" }
}

extension Principal {
  /// A key by its name, and by its id, by which the audit names it.
  fileprivate var nameForPeople: String {
    guard let keyID else { return "local" }
    return keyName.map { "key \($0) (\(keyID))" } ?? "key \(keyID)"
  }

  fileprivate static let nobody = Principal(keyID: "none", scopes: [], users: .everybody)
}

extension FleetSample {
  /// What people have laid down and not taken back: the freeze, and providers out of service.
  fileprivate var interventions: Int {
    (freeze.isOn == true ? 1 : 0) + providers.count { $0.row.state == .held }
  }
}
