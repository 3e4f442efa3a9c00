/// What may be used in a calendar month, UTC. Nil is unlimited, or follows the tier where it stands for one user.
package struct MonthlyQuotas: Sendable, Hashable {
  package var tokens: Int?
  package var audioSeconds: Int?
  package var videoMinutes: Int?
  package var jobs: Int?

  package init(tokens: Int? = nil, audioSeconds: Int? = nil, videoMinutes: Int? = nil, jobs: Int? = nil) {
    self.tokens = tokens
    self.audioSeconds = audioSeconds
    self.videoMinutes = videoMinutes
    self.jobs = jobs
  }
}
