/// What a user asked for, as decoded from a job message. Immutable, shared by reference because it travels through
/// every step of the pipeline and a struct of this many strings costs a retain for each at each copy.
package final class Job: Sendable {
  package let id: String
  package let userID: String
  /// The user id as Redis keys hold it.
  package let userKey: String
  package let taskType: TaskType
  /// The tier that the message claims, a code or an alias, as written. Whether it counts is the policy's decision.
  package let claimedTier: String?
  /// An object; its members were checked against the task type.
  package let payload: JSONValue
  package let seriesID: String?
  /// The model the job wishes, nil for the policy's choice.
  package let model: String?
  /// Not to be started earlier.
  package let notBefore: Timestamp?
  /// Not to be started or continued later.
  package let deadline: Timestamp?
  /// The most this job may cost at worst, nil for no limit of its own.
  package let maximumCost: Money?
  /// Ids of jobs of the same user that must have succeeded first; their outputs become `inputs` of the payload.
  package let after: [String]
  /// Whether those jobs are made for this one alone: when it fails because one of them did, the others are not begun.
  package let ownsAfter: Bool
  /// An object of the sender's, passed through to the result.
  package let metadata: JSONValue?
  /// The first 16 bytes of the body's SHA-256 in hex: tells the same job again from another one under its id.
  package let digest: String

  package init(
    id: String, userID: String, taskType: TaskType, claimedTier: String?, payload: JSONValue, seriesID: String?,
    model: String?, notBefore: Timestamp?, deadline: Timestamp?, maximumCost: Money?, after: [String] = [],
    ownsAfter: Bool = false, metadata: JSONValue?, digest: String
  ) {
    self.id = id
    self.userID = userID
    userKey = Identifier.base64url(userID)
    self.taskType = taskType
    self.claimedTier = claimedTier
    self.payload = payload
    self.seriesID = seriesID
    self.model = model
    self.notBefore = notBefore
    self.deadline = deadline
    self.maximumCost = maximumCost
    self.after = after
    self.ownsAfter = ownsAfter
    self.metadata = metadata
    self.digest = digest
  }

  /// The same job, by its digest too, with another payload.
  package func with(payload: JSONValue) -> Job {
    Job(
      id: id, userID: userID, taskType: taskType, claimedTier: claimedTier, payload: payload, seriesID: seriesID,
      model: model, notBefore: notBefore, deadline: deadline, maximumCost: maximumCost, after: after,
      ownsAfter: ownsAfter, metadata: metadata, digest: digest)
  }
}
