import Contracts
import Operations

/// How something stands that can be watched until it is over.
protocol Watchable: Sendable {
  associatedtype Subject: Hashable & Sendable

  var subject: Subject { get }
  /// Whether nothing more will happen to it by itself.
  var isOver: Bool { get }
  /// Of the event behind which there is none, when it is over; that of another end is another one.
  var lastEventID: String { get }
  /// Whether there is more to say than another estimate.
  func isNews(after before: Self) -> Bool
}

extension JobStatus: Watchable {
  var subject: String { explanation.job }
  var lastEventID: String { "end-\(explanation.run ?? "none")" }

  /// As the API shows it.
  /// - Parameter number: of this showing in its stream, from 1.
  func events(number: Int) -> [UInt8] {
    let status = ServerSentEvent.encoded("status", id: "\(number)", encoded(withResult: false))
    guard isOver else { return status }
    return status + ServerSentEvent.encoded("result", id: lastEventID, result ?? Array("null".utf8))
  }
}

extension StoryStatus: Watchable {
  var subject: StoryID { id }
  var lastEventID: String { "end-\(video?.explanation.run ?? "none")" }

  func isNews(after before: StoryStatus) -> Bool { encoded() != before.encoded() }

  /// - Parameter number: of this showing in its stream, from 1.
  func events(number: Int) -> [UInt8] {
    ServerSentEvent.encoded("status", id: isOver ? lastEventID : "\(number)", encoded())
  }
}
