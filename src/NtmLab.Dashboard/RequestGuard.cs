using System.Net;
using Microsoft.AspNetCore.Http;

namespace NtmLab.Dashboard;

/// <summary>
/// Lets only this machine's own pages in. Any page that a browser shows can send requests to the loopback, under a name of its own that
/// it lets point there: so the names that are asked for and that ask are looked at, not only the address.
/// </summary>
internal static class RequestGuard
{
    /// <summary>The hash allows empty style elements, which plotly.js fills by rules; a style in the page itself stays forbidden.</summary>
    private const string Policy =
        "default-src 'none'; script-src 'self'; style-src 'self' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='; "
        + "img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    /// <summary>Answers a request that is refused; passes all others on.</summary>
    /// <param name="context">The request.</param>
    /// <param name="next">What serves it.</param>
    public static Task Pass(HttpContext context, RequestDelegate next)
    {
        var headers = context.Response.Headers;
        headers.ContentSecurityPolicy = Policy;
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers.CacheControl = "no-store";
        var request = context.Request;
        if (!IsOwn(request.Host))
        {
            return Refuse(context, StatusCodes.Status421MisdirectedRequest, "this address is served to 127.0.0.1 and localhost alone");
        }

        if (request.Headers.Origin is { Count: > 0 } origins && !origins.All(origin => IsOwn(origin, request.Host)))
        {
            return Refuse(context, StatusCodes.Status403Forbidden, "pages of other origins are not served");
        }

        if (!HttpMethods.IsGet(request.Method) && !HttpMethods.IsHead(request.Method))
        {
            headers.Allow = "GET, HEAD";
            return Refuse(context, StatusCodes.Status405MethodNotAllowed, "only GET and HEAD are allowed");
        }

        return next(context);
    }

    /// <summary>Answers with one sentence.</summary>
    /// <param name="context">The request.</param>
    /// <param name="status">The status.</param>
    /// <param name="sentence">What is wrong, without a stop.</param>
    public static Task Refuse(HttpContext context, int status, string sentence)
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsJsonAsync(new { error = $"{sentence}." });
    }

    private static bool IsOwn(HostString host) =>
        host.HasValue && (host.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
            || (IPAddress.TryParse(host.Host.Trim('[', ']'), out var address)
                && (address.Equals(IPAddress.Loopback) || address.Equals(IPAddress.IPv6Loopback))));

    private static bool IsOwn(string? origin, HostString host) =>
        Uri.TryCreate(origin, UriKind.Absolute, out var uri) && uri.Scheme == Uri.UriSchemeHttp && uri.Authority == host.Value;
}
