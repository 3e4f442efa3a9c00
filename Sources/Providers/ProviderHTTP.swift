import AsyncHTTPClient
import Contracts
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// HTTP as all providers use it: one client for the process, no redirects followed, nothing decompressed, answers
/// bounded, every error sorted by whether the provider can have seen the call. Deadlines and cancellation are the
/// caller's (`AnswerDeadline`). Safe to use from anywhere.
struct ProviderHTTP: Sendable {
  struct Reply: Sendable {
    var status: Int
    var headers: HTTPHeaders
    /// Of an error at most `errorLimit` bytes; longer ones are not kept at all.
    var body: [UInt8]
  }

  static let errorLimit = 65_536

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

  func get(_ url: String, limit: Int) async -> Result<Reply, ProviderFailure> {
    await send(HTTPClientRequest(url: url), limit: limit)
  }

  /// - Parameter limit: bytes of a successful answer.
  func post(
    _ url: String, headers: [(String, String)], json: [UInt8], limit: Int
  ) async -> Result<Reply, ProviderFailure> {
    var request = HTTPClientRequest(url: url)
    request.method = .POST
    request.headers.add(name: "Content-Type", value: "application/json")
    for (name, value) in headers { request.headers.add(name: name, value: value) }
    request.body = .bytes(json)
    return await send(request, limit: limit)
  }

  private func send(_ request: HTTPClientRequest, limit: Int) async -> Result<Reply, ProviderFailure> {
    do {
      // Far beyond any deadline of ours, which cancels the task instead.
      let response = try await client.execute(request, timeout: .hours(1))
      let status = Int(response.status.code)
      guard (200..<300).contains(status) else {
        return .success(Reply(status: status, headers: response.headers, body: try await errorBody(of: response)))
      }
      if let coding = response.headers.first(name: "Content-Encoding"), coding != "identity" {
        return .failure(ProviderFailure(.malformed, "answered in a content coding that was not asked for"))
      }
      let body = try await response.body.collect(upTo: limit)
      return .success(Reply(status: status, headers: response.headers, body: Array(body.readableBytesView)))
    } catch is NIOTooManyBytesError {
      return .failure(ProviderFailure(.malformed, "answered with more than \(limit >> 20) MiB"))
    } catch {
      return .failure(Self.failure(for: error))
    }
  }

  private func errorBody(of response: HTTPClientResponse) async throws -> [UInt8] {
    do {
      return Array(try await response.body.collect(upTo: Self.errorLimit).readableBytesView)
    } catch is NIOTooManyBytesError {
      return []
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
