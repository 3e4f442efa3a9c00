import Contracts

/// Makes a value of an answer that comes in pieces: the body of a text call as it is written. Pure;
/// `ProviderHTTP.stream` feeds it and watches the clock.
protocol StreamReader: Sendable {
  associatedtype Value: Sendable

  /// Throws what makes the whole answer worthless, also what comes late in it.
  mutating func read(_ piece: [UInt8]) throws(ProviderFailure) -> StreamProgress

  /// The answer, once the body has ended, or shortly after `finishing`. Throws for one that was cut short.
  mutating func end() throws(ProviderFailure) -> Value

  /// What was used as far as it is known; goes along with whatever fails.
  var usage: [Usage] { get }
}

/// What a piece was worth.
enum StreamProgress: Sendable, Hashable {
  /// Nothing that was waited for: a comment, a greeting. Silence goes on.
  case waiting
  /// A part of the answer. The limit between two parts counts from here.
  case content
  /// The answer is complete. What belongs to it (the usage) or to the connection (its reusable end) is waited for this
  /// long at most; nothing that happens then spoils the answer, unless `read` throws.
  case finishing(Duration)
}

/// Bounds of an answer that comes in pieces.
struct StreamLimits: Sendable {
  /// From sending to the first piece of content.
  var first: Duration
  /// Between two pieces of content.
  var idle: Duration
  /// Of the whole stream.
  var bytes: Int
  /// Of an answer that comes as one document instead.
  var wholeBytes: Int
}

/// What a call that asked for a stream got.
enum StreamedAnswer<Value: Sendable>: Sendable {
  case streamed(Value)
  /// An error, or a server that does not stream: one document of another content type.
  case whole(ProviderHTTP.Reply)
}
