using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using NtmLab.Runs;

namespace NtmLab.Dashboard;

/// <summary>
/// A page over runs for the browser of this machine: all runs, each with its curve while it goes on, and comparisons. It changes
/// nothing, listens on the loopback alone, and serves only files of runs that it knows.
/// </summary>
/// <example>
/// <code>
/// await using var server = await DashboardServer.Start(source, compare, port: 0, cancellation);
/// Console.WriteLine(server.Address);
/// await server.Stopped;
/// </code>
/// </example>
public sealed class DashboardServer : IAsyncDisposable
{
    private readonly WebApplication _application;

    private DashboardServer(WebApplication application, string address)
    {
        _application = application;
        Address = address;
    }

    /// <summary>Where the page is.</summary>
    public string Address { get; }

    /// <summary>Ends when the server has ended.</summary>
    public Task Stopped => _application.WaitForShutdownAsync();

    /// <summary>Starts a server; it ends when it is disposed or cancelled, open streams included.</summary>
    /// <param name="source">Where the runs are read from; it stays the caller's.</param>
    /// <param name="compare">Holds runs against each other, for the page of comparisons; what it gives is sent as JSON.</param>
    /// <param name="port">The port; 0 for any that is free.</param>
    /// <param name="cancellation">Ends the server.</param>
    /// <exception cref="ConfigurationException">The port is none.</exception>
    /// <exception cref="RunException">The port is in use, or may not be used.</exception>
    public static async Task<DashboardServer> Start(
        IRunSource source, Func<IReadOnlyList<RunRecord>, object> compare, int port, CancellationToken cancellation)
    {
        if (port is < 0 or > IPEndPoint.MaxPort)
        {
            throw new ConfigurationException($"serve: --port: {port} is not allowed; 1 to {IPEndPoint.MaxPort} are, and 0 for any that is free.");
        }

        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(options =>
        {
            options.AddServerHeader = false;
            options.Listen(IPAddress.Loopback, port, listen => listen.Protocols = HttpProtocols.Http1);
        });
        builder.Services.AddRoutingCore();
        builder.Services.ConfigureHttpJsonOptions(options => RunApi.Configure(options.SerializerOptions));
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromSeconds(2));
        builder.Services.Configure<RouteHandlerOptions>(options => options.ThrowOnBadRequest = true);
        builder.Logging.ClearProviders();
        var application = builder.Build();
        application.Use((context, next) => RequestGuard.Pass(context, request => next(request)));
        application.Use(Explain);
        application.UseRouting();
        application.MapGet("/", () => PageFiles.Serve("index.html"));
        foreach (var name in PageFiles.Names)
        {
            application.MapGet($"/{name}", () => PageFiles.Serve(name));
        }

        new RunApi(source, compare, application.Lifetime.ApplicationStopping).Map(application);
        application.MapFallback(context =>
            RequestGuard.Refuse(context, StatusCodes.Status404NotFound, "there is nothing at this address"));
        try
        {
            await application.StartAsync(cancellation);
        }
        catch (IOException fault)
        {
            await application.DisposeAsync();
            throw new RunException(
                $"serve: port {port} cannot be used ({fault.InnerException?.Message ?? fault.Message}); --port N chooses another, 0 any that is free.",
                fault);
        }

        cancellation.Register(application.Lifetime.StopApplication);
        var addresses = application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;
        return new DashboardServer(application, addresses.Single());
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _application.StopAsync();
        await _application.DisposeAsync();
    }

    /// <summary>Turns faults into sentences.</summary>
    private static async Task Explain(HttpContext context, RequestDelegate next)
    {
        try
        {
            await next(context);
        }
        catch (NtmLabException fault) when (!context.Response.HasStarted)
        {
            var status = fault is ConfigurationException ? StatusCodes.Status400BadRequest : StatusCodes.Status500InternalServerError;
            await RequestGuard.Refuse(context, status, fault.Message.TrimEnd('.'));
        }
        catch (Microsoft.AspNetCore.Http.BadHttpRequestException fault) when (!context.Response.HasStarted)
        {
            await RequestGuard.Refuse(context, StatusCodes.Status400BadRequest, fault.Message.TrimEnd('.'));
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The reader left.
        }
    }
}
