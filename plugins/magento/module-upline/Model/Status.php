<?php

declare(strict_types=1);

namespace Upline\Commission\Model;

use Upline\Commission\Domain\Module;
use Upline\Commission\Domain\Snapshot;

/**
 * How things stand, for the status page, the command line and whoever helps. It holds no secret.
 */
class Status
{
    /**
     * Cron that did not run for so many seconds is silent.
     */
    public const CRON_SILENT = 900;

    /**
     * @param Connection $connection
     * @param Outbox $outbox
     * @param State $state
     * @param Versions $versions
     * @param Config $config
     * @param Clock $clock
     */
    public function __construct(
        private readonly Connection $connection,
        private readonly Outbox $outbox,
        private readonly State $state,
        private readonly Versions $versions,
        private readonly Config $config,
        private readonly Clock $clock
    ) {
    }

    /**
     * Facts by name. Times are RFC 3339, or '' where there was none.
     *
     * @return array<string, string|int|bool>
     */
    public function facts(): array
    {
        $depth = $this->outbox->depth();
        return [
            'module' => Module::VERSION,
            'magento' => $this->versions->told()['platform'],
            'php' => PHP_VERSION,
            'enabled' => $this->config->isEnabled(),
            'install_id' => $this->connection->installId(),
            'waiting' => $depth['depth'],
            'parked' => $depth['parked'],
            'oldest_unsent_at' => (string) Snapshot::time($depth['oldest']),
            'cron_at' => $this->moment($this->state->get(0, 'cron_at')),
            'cron_silent' => $this->isCronSilent(),
        ] + $this->ofConnection($this->connection);
    }

    /**
     * Facts of one connection.
     *
     * @param Connection $connection
     * @return array<string, string|int|bool>
     */
    public function ofConnection(Connection $connection): array
    {
        $connected = $connection->isConnected();
        return [
            'connected' => $connected,
            'server' => $connection->get('server'),
            'store_id' => $connection->get('store_id'),
            'site' => $connection->get('site'),
            'connected_at' => $connection->get('connected_at'),
            'hindrance' => $connection->hindrance(),
            'pause_reason' => (string) $connection->state('pause_reason'),
            'last_sent' => $this->moment($connection->state('last_sent')),
            'last_failed' => $this->moment($connection->state('last_failed')),
            'last_error' => (string) $connection->state('last_error'),
            'last_heartbeat' => $this->moment($connection->state('last_heartbeat')),
            'clock_offset' => (int) $connection->state('clock_offset'),
        ];
    }

    /**
     * Whether our own cron group has not run for a quarter of an hour.
     *
     * @return bool
     */
    public function isCronSilent(): bool
    {
        return (int) $this->state->get(0, 'cron_at') < $this->clock->now() - self::CRON_SILENT;
    }

    /**
     * Unix seconds as they are shown.
     *
     * @param string|null $seconds
     * @return string
     */
    private function moment(?string $seconds): string
    {
        return $seconds === null ? '' : (string) Snapshot::time((int) $seconds);
    }
}
