import Console
import Contracts
import HTTPTypes
import Hummingbird
import NIOCore

/// Answers of the console: HTML with a strict policy of where scripts, styles and forms may come from and go to.
enum ConsoleAnswer {
  static let policy = """
    default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'
    """

  static func page(_ html: String, _ status: HTTPResponse.Status = .ok) -> Response {
    Response(
      status: status, headers: [.contentType: "text/html; charset=utf-8"],
      body: .init(byteBuffer: ByteBuffer(string: html)))
  }

  /// After a form: the browser asks for a page of the console.
  static func seeOther(_ path: String) -> Response { Response(status: .seeOther, headers: [.location: path]) }

  /// Its name changes with its content.
  static func asset(_ bytes: [UInt8], type: String) -> Response {
    Response(
      status: .ok, headers: [.contentType: type, .cacheControl: "public, max-age=31536000, immutable"],
      body: .init(byteBuffer: ByteBuffer(bytes: bytes)))
  }

  /// - Parameter chrome: nil for somebody who is not known.
  static func problem(_ problem: Problem, _ chrome: Chrome?) -> Response {
    var response = page(
      Console.problem(title: "\(problem.code.title)", detail: problem.detail, chrome),
      .init(code: problem.code.status))
    response.headers.append(contentsOf: problem.headers)
    if let time = problem.retryAfter {
      response.headers[.retryAfter] = String(max(1, (time.milliseconds + 999) / 1000))
    }
    return response
  }

  /// For those who are to sign in: the way there, and back to where they wanted to go.
  static func signIn(fleet: String, refusal: String? = nil, next: String?, _ status: HTTPResponse.Status) -> Response {
    page(Console.signIn(fleet: fleet, refusal: refusal, next: next ?? Console.path), status)
  }

  /// The fields that every answer of the console has.
  static func dress(_ response: inout Response) {
    response.headers[.contentSecurityPolicy] = policy
    response.headers[.referrerPolicy] = "same-origin"
  }
}
