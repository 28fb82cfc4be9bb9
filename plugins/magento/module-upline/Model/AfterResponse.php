<?php

declare(strict_types=1);

namespace Upline\Commission\Model;

use Psr\Log\LoggerInterface;

/**
 * Sends the orders of a request once its response is out, where the web server can send that first. Elsewhere cron
 * does.
 */
class AfterResponse
{
    /**
     * Functions that end the response and let the process go on: PHP-FPM's and LiteSpeed's.
     */
    private const FINISHERS = ['fastcgi_finish_request', 'litespeed_finish_request'];

    /**
     * @var array<int, true>
     */
    private array $orders = [];

    /**
     * @param Sender $sender
     * @param Config $config
     * @param LoggerInterface $logger
     */
    public function __construct(
        private readonly Sender $sender,
        private readonly Config $config,
        private readonly LoggerInterface $logger
    ) {
    }

    /**
     * Notes an order whose transaction is through.
     *
     * @param int $orderId
     * @return void
     */
    public function send(int $orderId): void
    {
        if ($this->finisher() === null || !$this->config->isSentAfterResponse()) {
            return;
        }
        if (!$this->orders) {
            // phpcs:ignore Magento2.Functions.DiscouragedFunction -- nothing else runs behind the response.
            register_shutdown_function([$this, 'run']);
        }
        $this->orders[$orderId] = true;
    }

    /**
     * Ends the response and sends. Called once, at the end of the request.
     *
     * @return void
     */
    public function run(): void
    {
        try {
            $finish = $this->finisher();
            if ($finish === null || !$this->orders) {
                return;
            }
            // phpcs:disable Magento2.Functions.DiscouragedFunction -- Magento's own session may not have been built.
            if (session_status() === PHP_SESSION_ACTIVE) {
                session_write_close();
            }
            // phpcs:enable Magento2.Functions.DiscouragedFunction
            ignore_user_abort(true);
            $finish();
            $this->sender->flush(array_keys($this->orders));
        } catch (\Throwable $fault) {
            $this->logger->error(
                'Upline: nothing could be sent after the response; cron will',
                ['exception' => $fault]
            );
        }
    }

    /**
     * The function that ends the response.
     *
     * @return string|null
     */
    private function finisher(): ?string
    {
        foreach (self::FINISHERS as $name) {
            if (function_exists($name)) {
                return $name;
            }
        }
        return null;
    }
}
