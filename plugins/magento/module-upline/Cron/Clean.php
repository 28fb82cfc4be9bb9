<?php

declare(strict_types=1);

namespace Upline\Commission\Cron;

use Upline\Commission\Model\Config;
use Upline\Commission\Model\Outbox;
use Upline\Commission\Model\References;
use Upline\Commission\Model\Websites;

/**
 * Hourly: removes what was delivered long ago, and carts of which nothing came. What was not delivered stays.
 */
class Clean
{
    /**
     * Rows go a thousand at a time, and this many times a run.
     */
    private const ROUNDS = 100;

    /**
     * @param Outbox $outbox
     * @param References $references
     * @param Config $config
     * @param Websites $websites
     */
    public function __construct(
        private readonly Outbox $outbox,
        private readonly References $references,
        private readonly Config $config,
        private readonly Websites $websites
    ) {
    }

    /**
     * Runs.
     *
     * @return void
     */
    public function execute(): void
    {
        $days = $this->config->retentionDays();
        $round = 0;
        while ($round < self::ROUNDS && $this->outbox->prune($days) > 0) {
            $round++;
        }
        $this->references->prune();
        $this->outbox->adopt($this->websites->all());
    }
}
