import AsyncHTTPClient
import Contracts
import NIOCore
import NIOHTTP1

/// An answer of which the head is here. Reads its body in pieces, within bounds of bytes and silence; the rest of one
/// that is given up closes its connection.
struct AnswerBody: Sendable {
  let response: HTTPClientResponse

  static let errorLimit = 65_536
  /// The status of an error says most; its document is not waited for longer.
  static let errorPatience = Duration.seconds(2)

  var headers: HTTPHeaders { response.headers }
  var status: Int { Int(response.status.code) }
  var isSuccess: Bool { (200..<300).contains(status) }

  /// The whole of it.
  /// - Parameter limit: bytes, of a success.
  func collect(
    upTo limit: Int, idle: Duration, _ watch: SilenceWatch
  ) async -> Result<ProviderHTTP.Reply, ProviderFailure> {
    guard isSuccess else { return await collectError(watch) }
    if let failure = unacceptable(beyond: limit) { return .failure(failure) }
    let meaning = "the answer stopped for \(idle)"
    watch.allow(idle, meaning)
    do {
      var bytes: [UInt8] = []
      bytes.reserveCapacity(max(0, declaredLength ?? 0))
      for try await piece in response.body {
        guard bytes.count + piece.readableBytes <= limit else { return .failure(Self.tooLong(limit)) }
        bytes.append(contentsOf: piece.readableBytesView)
        watch.allow(idle, meaning)
      }
      return .success(ProviderHTTP.Reply(status: status, headers: headers, body: bytes))
    } catch {
      return .failure(ProviderHTTP.failure(for: error))
    }
  }

  /// What a reader makes of it. Once that says `finishing`, whatever ends the body ends a complete answer.
  func read<Reader: StreamReader>(
    _ reader: Reader, limits: StreamLimits, _ watch: SilenceWatch
  ) async -> Result<Reader.Value, ProviderFailure> {
    var reader = reader
    var isFinishing = false
    var bytes = 0
    var readWithoutPause = 0
    do throws(ProviderFailure) {
      if let failure = unacceptable(beyond: limits.bytes) { throw failure }
      do {
        for try await piece in response.body {
          bytes += piece.readableBytes
          guard bytes <= limits.bytes else { throw Self.tooLong(limits.bytes) }
          switch try reader.read(Array(piece.readableBytesView)) {
          case .waiting: break
          case .content: watch.allow(limits.idle, "the answer stopped for \(limits.idle)")
          case .finishing(let patience):
            watch.shorten(to: patience)
            isFinishing = true
          }
          // The body of a fast server is always there already: reading it on and on would keep the thread to itself.
          readWithoutPause += piece.readableBytes
          if readWithoutPause >= 65_536 {
            readWithoutPause = 0
            await Task.yield()
          }
        }
      } catch let failure as ProviderFailure {
        throw failure
      } catch {
        if !isFinishing { throw ProviderHTTP.failure(for: error) }
      }
      return .success(try reader.end())
    } catch {
      var failure = error
      if failure.usage.isEmpty { failure.usage = reader.usage }
      return .failure(failure)
    }
  }

  /// The document of an error, nothing where it is long, slow or cut short: then the status alone speaks.
  private func collectError(_ watch: SilenceWatch) async -> Result<ProviderHTTP.Reply, ProviderFailure> {
    watch.shorten(to: Self.errorPatience)
    var bytes: [UInt8] = []
    do {
      for try await piece in response.body {
        bytes.append(contentsOf: piece.readableBytesView)
        if bytes.count > Self.errorLimit {
          bytes = []
          break
        }
      }
    } catch {
      bytes = []
    }
    return .success(ProviderHTTP.Reply(status: status, headers: headers, body: bytes))
  }

  private var declaredLength: Int? { headers.first(name: "Content-Length").flatMap { Int($0) } }

  /// Known from the head alone.
  private func unacceptable(beyond limit: Int) -> ProviderFailure? {
    if let coding = headers.first(name: "Content-Encoding"), coding.lowercased() != "identity" {
      return ProviderFailure(.malformed, "answered in a content coding that was not asked for")
    }
    if let length = declaredLength, length > limit { return Self.tooLong(limit) }
    return nil
  }

  private static func tooLong(_ limit: Int) -> ProviderFailure {
    ProviderFailure(.malformed, "answered with more than \(limit >> 20) MiB")
  }
}
