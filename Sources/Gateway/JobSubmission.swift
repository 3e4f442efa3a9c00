import Admission
import Catalog
import Contracts
import HTTPTypes
import Hummingbird
import Lanes
import Logging

/// `POST /v1/jobs`: asks the door, publishes to the lane of the user's tier, and answers when the broker has the job.
/// Stateless.
struct JobSubmission: Sendable {
  let topology: Topology
  let door: Gathering<DoorRequest, DoorAnswer>
  /// Answers when the message is confirmed.
  let post: Gathering<Dispatch, Bool>
  /// Told of a job that may not have reached the broker.
  let doubt: @Sendable (String) async throws -> Void
  let workforce: Workforce
  let now: @Sendable () -> Timestamp
  let logger: Logger

  func submit(_ request: Request, _ context: GatewayContext) async throws -> Response {
    guard let order = context.order, let principal = context.principal else {
      fatalError("Bug: a job is submitted without its policy")
    }
    let idempotencyKey = request.headers[.idempotencyKey]
    var derived: String?
    if let idempotencyKey {
      derived = JobBody.id(from: idempotencyKey, sender: principal.keyID ?? "local")
      if derived == nil { throw Problem.idempotencyKey }
    }
    let body = JobBody(order.message) { derived ?? JobID.fresh(at: now()) }
    guard body.bytes.count <= JobMessage.maximumBytes else { throw Problem.tooLargeWithID }
    let job = try Self.job(
      body.isAsItCame ? JobMessage.decode(order.message, messageID: nil) : JobMessage.decode(body.bytes, messageID: nil)
    )
    guard !StoryID.isOfStory(job.id) else { throw Problem.idOfStory }
    let limits = AdmissionLimits(of: order.tier)
    let answer: DoorAnswer
    do {
      answer = try await door.ask(
        DoorRequest(
          job: job, lane: order.tier.lane, tier: order.tier.code, concurrency: order.tier.concurrency, limits: limits))
    } catch {
      throw Problem.admissionUnreachable
    }
    switch answer {
    case .known(let place):
      return Self.accepted(job, order.tier, place, await start(job, place), fields: [:])
    case .pass(let place, let windows):
      try await publish(job, body.bytes, order.tier.lane)
      let fields = RateLimitFields.fields(limits, windows)
      return Self.accepted(job, order.tier, place, await start(job, place), fields: fields)
    default: throw Problem(refusing: answer, limits)
    }
  }

  /// The message as a worker reads it.
  static func job(_ message: JobMessage.Decoded) throws -> Job {
    switch message {
    case .job(let job): return job
    case .lacksID: fatalError("Bug: an id was written in and is not there")
    case .refused(let refusal):
      let member = refusal.detail.prefix { $0 != ":" }
      throw Problem(
        .invalidMessage, refusal.detail,
        member: refusal.detail.contains(":") && !member.contains(" ") ? String(member) : nil)
    }
  }

  private func publish(_ job: Job, _ body: [UInt8], _ lane: Lane) async throws {
    let submission = Submission(id: job.id, body: body, lane: lane)
    do {
      _ = try await post.ask(submission.dispatch(in: topology, at: now()))
    } catch {
      do { try await doubt(job.id) } catch {
        logger.warning(
          "a job that may not be there is shown as queued for a while", metadata: [LogKey.error: "\(error)"])
      }
      var problem = Problem(
        .unavailable, "the broker did not confirm the job in time: it may have it; the same id may be sent again",
        retryAfter: .seconds(2))
      problem.jobID = job.id
      throw problem
    }
  }

  private func start(_ job: Job, _ place: DoorPlace) async -> Timestamp? {
    place.expectedStart(of: job, worked: await workforce.isThere())
  }

  private static func accepted(
    _ job: Job, _ tier: TierPolicy, _ place: DoorPlace, _ start: Timestamp?, fields: HTTPFields
  ) -> Response {
    var json = JSONWriter(capacity: 192)
    json.literal("{")
    json.member("id", job.id)
    json.member("lane", tier.lane.rawValue)
    json.member("tier", tier.code)
    json.member("priority", Int64(tier.lane.priority))
    json.member("position", Int64(place.position))
    json.member("expectedStart", start)
    json.literal("}")
    var fields = fields
    fields[.contentType] = "application/json"
    fields[.location] = "/v1/jobs/\(job.id)"
    return Response(status: .accepted, headers: fields, body: .init(byteBuffer: ByteBuffer(bytes: json.bytes)))
  }
}

extension Problem {
  static let idempotencyKey = Problem(.badRequest, "Idempotency-Key: must be 1 to 255 visible ASCII characters")
  static let tooLargeWithID = Problem(
    .tooLarge,
    "a body may have \(JobMessage.maximumBytes) bytes with the id that is written into one that has none")
  static let idOfStory = Problem(
    .invalidMessage, "id: names of this form belong to the jobs of stories, which POST /create-story makes",
    member: "id")
}

extension DoorPlace {
  /// As its sender is told: nil where nobody can know it.
  /// - Parameter worked: whether there is any worker.
  func expectedStart(of job: Job, worked: Bool) -> Timestamp? {
    guard position > 0 else { return expectedStart }  // it has begun
    guard worked, let expectedStart else { return nil }
    return max(expectedStart, job.notBefore ?? expectedStart)
  }
}

extension Lane {
  /// 4 is the highest.
  var priority: Int { Lane.allCases.count - rank }
}
