import Catalog
import Contracts
import Hummingbird
import NIOCore
import Synchronization

/// What is known of a request while it is answered: its id from the beginning, who asks and for which user from the
/// middleware that found out.
struct GatewayContext: RequestContext {
  var coreContext: CoreRequestContextStorage
  var requestID = ""
  var principal: Principal?
  /// What it holds of the memory for bodies.
  var bytes: BodyBudget.Share?
  /// For answers that go on: whether the key still holds. True while nobody can say.
  var isStillAdmitted: @Sendable () async -> Bool = { true }
  var order: Order?
  /// On the console.
  var visit: ConsoleVisit?
  /// The connection.
  let channel: any Channel
  /// For the line in the log, which is written outside the middleware that fills it.
  let notes = Notes()

  init(source: ApplicationRequestContextSource) {
    coreContext = CoreRequestContextStorage(source: source)
    channel = source.channel
  }

  /// The rest of the way of a request, as middleware gets it.
  typealias Next = @concurrent (Request, GatewayContext) async throws -> Response

  /// A message that asks something of the fleet for one user.
  struct Order: Sendable {
    var message: JSONDocument
    var userID: String
    /// The effective policy: the user's tier with what was laid down for the user.
    var tier: TierPolicy
  }

  final class Notes: Sendable {
    private let key = Mutex<String?>(nil)

    var keyID: String? {
      get { key.withLock { $0 } }
      set { key.withLock { $0 = newValue } }
    }
  }
}
