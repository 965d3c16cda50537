@echo off
rem Prepares what is missing, then runs the ntmlab command with the arguments as given; see ntmlab.ps1.
setlocal
set "LAUNCHER=powershell -NoLogo -NoProfile -ExecutionPolicy Bypass -File "%~dp0ntmlab.ps1""
if "%~1"=="paket" goto launcher
if "%~1"=="setup" goto launcher
%LAUNCHER% --prepare
if errorlevel 1 exit /b 1
set "NTMLAB_ROOT=%~dp0"
set "NTMLAB_ROOT=%NTMLAB_ROOT:~0,-1%"
set "DOTNET_CLI_TELEMETRY_OPTOUT=1"
set "DOTNET_NOLOGO=1"
dotnet "%~dp0artifacts\bin\NtmLab.Cli\release\ntmlab.dll" %*
exit /b %errorlevel%

:launcher
%LAUNCHER% %*
exit /b %errorlevel%
