import AsyncHTTPClient
import Contracts
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// HTTP as all providers use it: one client for the process, no redirects followed, nothing decompressed, answers
/// bounded in bytes and in silence, every error sorted by whether the provider can have seen the call. Deadlines and
/// cancellation are the caller's (`AnswerDeadline`). Safe to use from anywhere.
struct ProviderHTTP: Sendable {
  struct Reply: Sendable {
    var status: Int
    var headers: HTTPHeaders
    /// Of an error at most `AnswerBody.errorLimit` bytes; longer ones are not kept at all.
    var body: [UInt8]
  }

  private let client: HTTPClient

  /// - Parameter connections: at most this many to one host at once; further calls wait.
  init(connections: Int) {
    var configuration = HTTPClient.Configuration(
      redirectConfiguration: .disallow,
      timeout: .init(connect: .seconds(5)),
      decompression: .disabled)
    // Shorter than what servers keep idle connections for (5 s is usual): a call sent on a connection that is being
    // closed is one of which nobody knows whether it was made.
    configuration.connectionPool.idleTimeout = .seconds(4)
    configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = connections
    // A refused connection is an answer: the next provider is tried, not the same host for the rest of the deadline.
    configuration.connectionPool.retryConnectionEstablishment = false
    client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
  }

  /// Call once, after the last call.
  func shutdown() async throws { try await client.shutdown() }

  /// - Parameters:
  ///   - limit: bytes of a successful answer.
  ///   - idle: longest silence within the answer's body.
  func get(
    _ url: String, headers: [(String, String)] = [], limit: Int, idle: Duration = .seconds(10)
  ) async -> Result<Reply, ProviderFailure> {
    var request = HTTPClientRequest(url: url)
    for (name, value) in headers { request.headers.add(name: name, value: value) }
    return await send(request, limit: limit, idle: idle)
  }

  func post(
    _ url: String, headers: [(String, String)], json: [UInt8], limit: Int, idle: Duration = .seconds(10)
  ) async -> Result<Reply, ProviderFailure> {
    let call = WitnessedBody(json)
    return await send(Self.request(url, headers, call), call, limit: limit, idle: idle)
  }

  /// A call whose answer is read while it comes in. What is labelled as something else than an event stream or plain
  /// text is taken whole.
  func stream<Reader: StreamReader>(
    _ url: String, headers: [(String, String)], json: [UInt8], limits: StreamLimits, reader: Reader
  ) async -> Result<StreamedAnswer<Reader.Value>, ProviderFailure> {
    let call = WitnessedBody(json)
    let request = Self.request(url, headers, call)
    return await SilenceWatch.watching { watch in
      watch.allow(limits.first, "no answer within \(limits.first)")
      let body: AnswerBody
      do throws(ProviderFailure) {
        body = try await answer(to: request, call)
      } catch {
        return .failure(error)
      }
      let label = body.headers.first(name: "Content-Type")?.lowercased() ?? "text/plain"
      guard body.isSuccess, label.hasPrefix("text/event-stream") || label.hasPrefix("text/plain") else {
        return await body.collect(upTo: limits.wholeBytes, idle: limits.idle, watch).map { .whole($0) }
      }
      return await body.read(reader, limits: limits, watch).map { .streamed($0) }
    }
  }

  private func send(
    _ request: HTTPClientRequest, _ call: WitnessedBody? = nil, limit: Int, idle: Duration
  ) async -> Result<Reply, ProviderFailure> {
    await SilenceWatch.watching { watch in
      do throws(ProviderFailure) {
        return try await answer(to: request, call).collect(upTo: limit, idle: idle, watch)
      } catch {
        return .failure(error)
      }
    }
  }

  private static func request(_ url: String, _ headers: [(String, String)], _ body: WitnessedBody) -> HTTPClientRequest
  {
    var request = HTTPClientRequest(url: url)
    request.method = .POST
    request.headers.add(name: "Content-Type", value: "application/json")
    for (name, value) in headers { request.headers.add(name: name, value: value) }
    request.body = .stream(body, length: .known(Int64(body.count)))
    return request
  }

  private func answer(
    to request: HTTPClientRequest, _ call: WitnessedBody?
  ) async throws(ProviderFailure) -> AnswerBody {
    do {
      // Far beyond any deadline of ours, which cancels the task instead.
      return AnswerBody(response: try await client.execute(request, timeout: .hours(1)))
    } catch {
      let failure = Self.failure(for: error)
      // A connection that is reset within its handshake ends with the same error as one that is reset behind the call.
      guard failure.kind == .lost, call?.isDispatched == false else { throw failure }
      throw ProviderFailure(.unreachable, "no connection")
    }
  }

  /// EAGAIN is how a Unix socket says that its queue of connections is full.
  private static let connectErrors = [ECONNREFUSED, ENOENT, EACCES, ENETUNREACH, EHOSTUNREACH, EAGAIN]

  /// Whatever is not known to have happened before the call was sent counts as lost.
  static func failure(for error: any Error) -> ProviderFailure {
    let noConnection = ProviderFailure(.unreachable, "no connection")
    let noTLS = ProviderFailure(.unreachable, "no TLS connection: handshake or certificate refused")
    switch error {
    case is CancellationError: return ProviderFailure(.cancelled, "cancelled while waiting for the answer")
    case is NIOConnectionError, ChannelError.connectTimeout: return noConnection
    case let error as IOError where connectErrors.contains(error.errnoCode): return noConnection
    case is NIOSSLExtraError, NIOSSLError.handshakeFailed: return noTLS
    case HTTPParserError.invalidEOFState: return ProviderFailure(.malformed, "the answer was cut short")
    case is HTTPParserError: return ProviderFailure(.malformed, "answered with something that is not HTTP")
    case let error as HTTPClientError:
      switch error {
      case .cancelled: return ProviderFailure(.cancelled, "cancelled while waiting for the answer")
      case .connectTimeout, .getConnectionFromPoolTimeout: return noConnection
      case .tlsHandshakeTimeout: return noTLS
      case .invalidURL, .emptyHost, .emptyScheme, .missingSocketPath:
        return ProviderFailure(.local, "base_url is no address")
      case .alreadyShutdown: return ProviderFailure(.local, "called after shutdown")
      default: break
      }
    default: break
    }
    return ProviderFailure(.lost, "the connection ended before the answer was complete")
  }
}
