import Admission
import Catalog
import Contracts
import HTTPTypes
import Hummingbird
import Lanes
import Logging

/// `POST /create-story`: asks the door once for the whole story, makes its jobs known, publishes them to the lane of the
/// user's tier, and answers when the broker has them. Stateless.
struct StorySubmission: Sendable {
  let desk: AdmissionDesk
  let topology: Topology
  let door: Gathering<DoorRequest, DoorAnswer>
  let workforce: Workforce
  /// Returns when all are confirmed.
  let post: @Sendable ([Dispatch]) async throws -> Void
  let now: @Sendable () -> Timestamp
  let logger: Logger

  func submit(_ request: Request, _ context: GatewayContext) async throws -> Response {
    guard let order = context.order, let principal = context.principal else {
      fatalError("Bug: a story is submitted without its policy")
    }
    let key = request.headers[.idempotencyKey]
    if let key, !JobBody.isIdempotencyKey(key) { throw Problem.idempotencyKey }
    let story = try StoryRequest(order.message.root)
    let id = StoryID(
      scenes: story.scenes.count, idempotencyKey: key, sender: principal.keyID ?? "local", at: now())
    let plan = StoryPlan(
      story, id: id, userID: order.userID, message: order.message.bytes, chunk: order.tier.batchSize)
    // The parts hold more than the request: ids, and what was told a second time.
    guard plan.parts.allSatisfy({ $0.body.count <= JobMessage.maximumBytes }) else { throw Problem.storyTooLarge }
    // The video stands first.
    let jobs = try plan.parts.map { try JobSubmission.job(JobMessage.decode($0.body, messageID: nil)) }
    let limits = AdmissionLimits(of: order.tier)
    let representative = Self.representative(of: id, order)
    let answer: DoorAnswer
    do {
      answer = try await door.ask(
        DoorRequest(
          job: representative, lane: order.tier.lane, tier: order.tier.code, concurrency: order.tier.concurrency,
          limits: limits, jobs: jobs))
    } catch {
      throw Problem.admissionUnreachable
    }
    switch answer {
    case .known(let place):
      return Self.accepted(plan, order, await start(representative, place), fields: [:])
    case .pass(let place, let windows):
      do {
        try await desk.expect(jobs, lane: order.tier.lane, tier: order.tier.code, at: place.at)
      } catch {
        await doubt(plan)
        throw Problem.admissionUnreachable
      }
      try await publish(plan, order.tier.lane)
      await confirm(representative)
      return Self.accepted(
        plan, order, await start(representative, place), fields: RateLimitFields.fields(limits, windows))
    default: throw Problem(refusing: answer, limits)
    }
  }

  /// What the door counts and remembers: the request as a whole.
  private static func representative(of id: StoryID, _ order: GatewayContext.Order) -> Job {
    Job(
      id: id.stem, userID: order.userID, taskType: .video, claimedTier: nil, payload: order.message.root,
      seriesID: nil, model: nil, notBefore: nil, deadline: nil, maximumCost: nil, after: [], metadata: nil,
      digest: JobMessage.digest(of: order.message.bytes))
  }

  /// A part that was published before is absorbed, so the whole may be sent again.
  private func publish(_ plan: StoryPlan, _ lane: Lane) async throws {
    let time = now()
    do {
      try await post(
        plan.parts.map { Submission(id: $0.id, body: $0.body, lane: lane).dispatch(in: topology, at: time) })
    } catch {
      await doubt(plan)
      var problem = Problem(
        .unavailable,
        "the broker did not confirm all jobs of the story in time: with an Idempotency-Key it may be sent again",
        retryAfter: .seconds(2))
      problem.jobID = plan.id.text
      throw problem
    }
  }

  private func confirm(_ representative: Job) async {
    do { try await desk.confirm(request: representative) } catch {
      logger.debug(
        "a story that is sent again is published again until a worker knows it", metadata: [LogKey.error: "\(error)"])
    }
  }

  private func doubt(_ plan: StoryPlan) async {
    do { try await desk.doubt(plan.parts.map(\.id), of: plan.id.stem) } catch {
      logger.warning(
        "a story that may not be there is shown as queued for a while", metadata: [LogKey.error: "\(error)"])
    }
  }

  private func start(_ representative: Job, _ place: DoorPlace) async -> Timestamp? {
    place.expectedStart(of: representative, worked: await workforce.isThere())
  }

  private static func accepted(
    _ plan: StoryPlan, _ order: GatewayContext.Order, _ start: Timestamp?, fields: HTTPFields
  ) -> Response {
    var json = JSONWriter(capacity: 256 + plan.parts.count * 80)
    json.literal("{")
    json.member("storyId", plan.id.text)
    json.member("tier", order.tier.code)
    json.member("priority", Int64(order.tier.lane.priority))
    json.member("lane", order.tier.lane.rawValue)
    json.key("jobs")
    json.literal("[")
    for (index, part) in (plan.scenes + [plan.video]).enumerated() {
      json.literal(index > 0 ? ",{" : "{")
      json.member("id", part.id)
      json.member("taskType", part.taskType.rawValue)
      json.key("scene")
      if let scene = part.scene { json.integer(Int64(scene)) } else { json.literal("null") }
      json.literal("}")
    }
    json.literal("]")
    json.member("expectedStart", start)
    json.literal("}")
    var fields = fields
    fields[.contentType] = "application/json"
    fields[.location] = "/v1/stories/\(plan.id.text)"
    return Response(status: .accepted, headers: fields, body: .init(byteBuffer: ByteBuffer(bytes: json.bytes)))
  }
}

extension Problem {
  static let storyTooLarge = Problem(
    .tooLarge,
    "script: each job of the story may have \(JobMessage.maximumBytes) bytes, and its video, which has all that is told, has more",
    member: "script")
}
