import AMQP
package import Admission
package import Catalog
package import Contracts
import Hummingbird
import HummingbirdCore
package import Lanes
package import Logging
import NIOCore
package import Observability
package import Operations
import Providers
import ServiceLifecycle
import Synchronization

/// The HTTP door of the fleet. Holds no state but caches of a second, so that any number of them may stand behind a load
/// balancer. Runs on the shared event loops. `run` once.
package final class GatewayServer: Sendable {
  package struct Fault: Error, Sendable, CustomStringConvertible {
    /// Whether the settings are wrong, not the circumstances.
    package var isUsage: Bool
    package var description: String
    /// What to do about it.
    package var remedy: String
  }

  private let configuration: GatewayConfiguration
  private let desk: AdmissionDesk
  private let broker: LaneBroker
  private let policy: @Sendable () -> Policy
  /// Of what was booked and laid down. The gateway does its work without it; pages that need it say so.
  let ledger: LedgerAccess
  /// One of each, that pages which look at the same moment take turns.
  let letters: [LetterBox.Kind: Letters]
  private let registry: MetricRegistry
  private let now: @Sendable () -> Timestamp
  private let logger: Logger
  private let onListening: @Sendable (Int) -> Void
  private let keys: KeyRing
  private let seats: Seats
  private let bodies: BodyBudget
  private let jobWatch: Watch<JobStatus>
  private let storyWatch: Watch<StoryStatus>
  /// What the console shows.
  let sampler: FleetSampler
  private let group = Mutex<ServiceGroup?>(nil)

  /// - Parameters:
  ///   - policy: in force; asked for with each request.
  ///   - onListening: called once with the port.
  package init(
    configuration: GatewayConfiguration, desk: AdmissionDesk, broker: LaneBroker,
    policy: @escaping @Sendable () -> Policy, ledger: LedgerAccess, registry: MetricRegistry,
    now: @escaping @Sendable () -> Timestamp, logger: Logger, onListening: @escaping @Sendable (Int) -> Void = { _ in }
  ) {
    self.configuration = configuration
    self.desk = desk
    self.broker = broker
    self.policy = policy
    self.ledger = ledger
    letters = [.dead: Letters(.dead, at: broker), .blocked: Letters(.blocked, at: broker)]
    self.registry = registry
    self.now = now
    self.logger = logger
    self.onListening = onListening
    keys = KeyRing(
      desk: desk, hasHadKeys: { try await broker.hasHadKeys() },
      admitsLocalOperator: configuration.address.isLoopback, logger: logger)
    seats = Seats(
      limit: configuration.streams, console: configuration.consoleStreams, key: configuration.keyStreams)
    bodies = BodyBudget(limit: configuration.bodyBytes)
    let jobs = JobReader(desk: desk)
    jobWatch = Watch(
      Watch.Sight(name: "jobs", closeLooks: 200, glance: jobs.glance, read: jobs.statuses),
      seats: seats, configuration: configuration, logger: logger)
    let stories = StoryReader(jobs: jobs)
    storyWatch = Watch(
      Watch.Sight(name: "stories", closeLooks: 10, glance: stories.glance, read: stories.statuses),
      seats: seats, configuration: configuration, logger: logger)
    sampler = FleetSampler(
      desk: desk, broker: broker, policy: policy, ledger: ledger, seats: seats, configuration: configuration,
      now: now, logger: logger)
  }

  /// Bytes of bodies that requests hold now, without those of bodies that say to have up to 4 KiB.
  package var bodyBytes: Int { bodies.used }

  /// Streams that are open now.
  package var streams: Int { seats.taken }

  /// Serves until it is drained or the task is cancelled. The topology must be declared.
  package func run() async throws {
    if !configuration.address.isLoopback, await keys.isAnyMade() == false {
      throw Fault(
        isUsage: true,
        description: "TOLLWAY_GATEWAY: \(configuration.address) can be reached from elsewhere, and there is no API key",
        remedy: "tollway keys create makes one; without keys the gateway listens on 127.0.0.1 only")
    }
    try await broker.withAdmin { admin in
      try await broker.withCourier { courier in try await serve(courier, admin) }
    }
  }

  /// Takes no new connections, lets the requests that came in end, and then lets `run` return.
  package func drain() async { await group.withLock { $0 }?.triggerGracefulShutdown() }

  private func serve(_ courier: Courier, _ admin: AMQPAdmin) async throws {
    var quiet = logger
    quiet.logLevel = max(logger.logLevel, .warning)
    var services = ServiceGroupConfiguration(
      // The last one ends first: streams end by themselves only with their jobs.
      services: [application(router(courier, admin), quiet), jobWatch, storyWatch, sampler], logger: quiet)
    services.maximumGracefulShutdownDuration = configuration.grace
    let group = ServiceGroup(configuration: services)
    self.group.withLock { $0 = group }
    do {
      try await group.run()
    } catch let error as IOError {
      throw Fault(
        isUsage: false, description: "the gateway cannot listen on \(configuration.address): \(error)",
        remedy: "name another address with TOLLWAY_GATEWAY")
    }
    logger.info("gateway ended")
  }

  private func application(_ router: Router<GatewayContext>, _ quiet: Logger) -> some ApplicationProtocol {
    let configuration = configuration
    let (logger, onListening) = (logger, onListening)
    var channel = HTTP1Channel.Configuration(
      additionalChannelHandlers: [RequestGuard(limit: configuration.readLimit)],
      idleTimeout: TimeAmount(configuration.idleLimit))
    channel.httpDecoder = .init(
      maxHeaderFieldSize: configuration.headerBytes, maxHeaderListSize: configuration.headerBytes,
      maxHeaderFieldCount: configuration.headerFields)
    return Application(
      router: router, server: .http1(configuration: channel),
      configuration: ApplicationConfiguration(
        address: .hostname(configuration.address.host, port: configuration.address.port), backlog: 1024,
        availableConnectionsDelegate: .maximum(configuration.connections, logger: quiet)),
      onServerRunning: { channel in
        let port = channel.localAddress?.port ?? configuration.address.port
        let address = GatewayAddress(host: configuration.address.host, port: port)
        logger.info("gateway listens", metadata: ["address": "\(address)"])
        onListening(port)
      }, logger: quiet)
  }

  private func router(_ courier: Courier, _ admin: AMQPAdmin) -> Router<GatewayContext> {
    let resolver = PolicyResolver(
      entitlements: Gathering(flights: 2, size: 256) { [desk] in try await desk.entitlements(of: $0) }, policy: policy,
      logger: logger)
    let (jobs, stories) = submissions(courier)
    let router = Router(context: GatewayContext.self, options: .autoGenerateHeadEndpoints)
    router.add(middleware: RequestDesk(registry: registry, fleet: fleet, bodies: bodies, logger: logger))
    let senders = router.group().add(middleware: Authentication(keys: keys, scope: .submit)).add(middleware: resolver)
    senders.on(GatewayRoute.submitJob) { try await jobs.submit($0, $1) }
    senders.on(GatewayRoute.createStory) { try await stories.submit($0, $1) }
    let readers = router.group().add(middleware: Authentication(keys: keys, scope: .read))
    let overseers = router.group().add(middleware: Authentication(keys: keys, scope: .read, needsEverybody: true))
    let (jobPages, storyPages) = (jobPages(), storyPages())
    jobPages.add(to: readers)
    storyPages.add(to: readers)
    let cancels = CancelPages(
      canceller: canceller(courier), audit: CancelAudit(ledger: ledger, logger: logger), jobs: jobPages,
      stories: storyPages)
    cancels.add(to: router.group().add(middleware: Authentication(keys: keys, scope: .submit)))
    let fleet = fleetPages(resolver, admin)
    fleet.add(to: readers)
    fleet.addOverviews(to: overseers)
    let administration = AdminPages(
      ledger: ledger, reports: Reports(of: ledger), desk: desk, letters: letters, policy: policy, now: now,
      logger: logger)
    administration.addReadings(to: overseers)
    administration.addChanges(
      to: router.group().add(middleware: Authentication(keys: keys, scope: .admin, needsEverybody: true)))
    PublicPages(desk: desk, courier: courier, registry: registry).add(to: router, keys: keys)
    console(courier, resolver, jobPages).add(to: router)
    return router
  }

  /// As the console names it.
  private var fleet: String { broker.topology.namespace.isEmpty ? "tollway" : broker.topology.namespace }

  private func console(_ courier: Courier, _ resolver: PolicyResolver, _ jobs: JobPages) -> ConsoleHouse {
    let writer = PatientWriter(limit: configuration.writeLimit, logger: logger)
    return ConsoleHouse(
      keys: keys, frame: ConsoleFrame(fleet: fleet, sampler: sampler, now: now),
      sources: ConsoleSources(
        desk: desk, ledger: ledger, policy: policy, now: now, resolver: resolver, jobs: jobs.statuses,
        canceller: canceller(courier), logger: logger, letters: letters),
      events: ConsoleEvents(sampler: sampler, watch: jobWatch, writer: writer))
  }

  private func jobPages() -> JobPages {
    let reader = JobReader(desk: desk)
    let writer = PatientWriter(limit: configuration.writeLimit, logger: logger)
    return JobPages(
      statuses: Gathering(flights: 2, size: 64) { try await reader.statuses(of: $0) },
      watch: jobWatch, events: EventStream(writer: writer) { status, _, number in status.events(number: number) },
      artifacts: ArtifactPage(store: ArtifactStore(directory: configuration.artifacts), writer: writer))
  }

  private func storyPages() -> StoryPages {
    let reader = StoryReader(jobs: JobReader(desk: desk))
    return StoryPages(
      statuses: Gathering(flights: 2, size: 8) { try await reader.statuses(of: $0) },
      watch: storyWatch,
      events: EventStream(writer: PatientWriter(limit: configuration.writeLimit, logger: logger)) { status, _, number in
        status.events(number: number)
      })
  }

  private func canceller(_ courier: Courier) -> Canceller {
    let limit = configuration.publishLimit
    return Canceller(
      desk: desk, post: broker.postOffice(), now: now, send: { try await courier.send($0, within: limit) })
  }

  private func fleetPages(_ resolver: PolicyResolver, _ admin: AMQPAdmin) -> FleetPages {
    let (desk, policy, topology, sampler) = (desk, policy, broker.topology, sampler)
    return FleetPages(
      desk: desk, resolver: resolver, policy: policy,
      lanes: Snapshot {
        let sight = await sampler.current()
        guard sight.sample.isStale else { return LaneBoard(sight.sample, sight.verdict) }
        var board = try await LaneBoard.read(desk, topology, through: admin)
        board.verdict = sight.verdict
        return board
      },
      providers: Snapshot {
        let (now, breakers) = try await desk.breakers()
        return ProviderBoard(policy: policy(), breakers: breakers, holds: [], now: now)
      })
  }

  private func submissions(_ courier: Courier) -> (jobs: JobSubmission, stories: StorySubmission) {
    let (desk, logger, limit) = (desk, logger, configuration.publishLimit)
    let send: @Sendable ([Dispatch]) async throws -> Void = { dispatches in
      do {
        try await courier.send(dispatches, within: limit)
      } catch {
        logger.error(
          "jobs are not confirmed", metadata: [LogKey.count: "\(dispatches.count)", LogKey.error: "\(error)"])
        throw error
      }
    }
    let post = Gathering<Dispatch, Bool>(flights: 4, size: 256) { dispatches in
      try await send(dispatches)
      return dispatches.map { _ in true }
    }
    let door = Gathering<DoorRequest, DoorAnswer>(flights: 2, size: 256) { try await desk.askDoor($0) }
    let workforce = Workforce(desk, logger: logger)
    return (
      JobSubmission(
        topology: broker.topology, door: door, post: post, doubt: { try await desk.doubt([$0]) },
        workforce: workforce, now: now, logger: logger),
      StorySubmission(
        desk: desk, topology: broker.topology, door: door, workforce: workforce, post: send, now: now, logger: logger)
    )
  }
}

extension RouterMethods {
  /// - Returns: nothing that could be added to by mistake.
  func on(
    _ route: GatewayRoute, _ answer: @escaping @Sendable (Request, Context) async throws -> Response
  ) {
    on(RouterPath(route.path), method: route.method) { request, context in try await answer(request, context) }
  }
}
