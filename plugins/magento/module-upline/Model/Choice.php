<?php

declare(strict_types=1);

namespace Upline\Commission\Model;

use Magento\Backend\Model\Auth\Session;
use Magento\Framework\AuthorizationInterface;
use Magento\Framework\Exception\AuthorizationException;
use Magento\Framework\Exception\InputException;
use Magento\Sales\Api\Data\OrderInterface;
use Upline\Commission\Domain\Reference;

/**
 * The distributor that somebody in the admin chooses for a cart or an order. It outranks all other evidence.
 */
class Choice
{
    public const RESOURCE = 'Upline_Commission::attribution';

    /**
     * @param References $references
     * @param Watch $watch
     * @param AuthorizationInterface $authorization
     * @param Session $session
     */
    public function __construct(
        private readonly References $references,
        private readonly Watch $watch,
        private readonly AuthorizationInterface $authorization,
        private readonly Session $session
    ) {
    }

    /**
     * For a cart at order create.
     *
     * @param int $quoteId
     * @param string $code a distributor's id or code; '' takes the choice back
     * @param string $reason
     * @return void
     * @throws AuthorizationException
     * @throws InputException
     */
    public function forCart(int $quoteId, string $code, string $reason): void
    {
        $this->check($code);
        if ($quoteId > 0) {
            $this->references->chosenForCart($quoteId, $code, $reason, $this->adminId());
        }
    }

    /**
     * For an order, which is told anew.
     *
     * @param OrderInterface $order
     * @param string $code a distributor's id or code; '' takes the choice back
     * @param string $reason why it is changed; has to be given
     * @return void
     * @throws AuthorizationException
     * @throws InputException
     */
    public function forOrder(OrderInterface $order, string $code, string $reason): void
    {
        $this->check($code);
        if (trim($reason) === '') {
            throw new InputException(__('Say why the distributor is changed.'));
        }
        $orderId = (int) $order->getEntityId();
        $this->references->chosen($orderId, $code, $reason, $this->adminId());
        $this->watch->note($orderId, (int) $order->getStoreId(), Outbox::UPDATED);
    }

    /**
     * Whether the admin may choose, and whether it is a code.
     *
     * @param string $code
     * @return void
     * @throws AuthorizationException
     * @throws InputException
     */
    private function check(string $code): void
    {
        if (!$this->authorization->isAllowed(self::RESOURCE)) {
            throw new AuthorizationException(__('You may not choose the distributor of an order.'));
        }
        if ($code !== '' && Reference::clean($code) === '') {
            throw new InputException(
                __('A distributor\'s id or code has letters, digits and ". _ ~ + -", 64 at most.')
            );
        }
    }

    /**
     * Who is signed in.
     *
     * @return int
     */
    private function adminId(): int
    {
        $user = $this->session->getUser();
        return $user === null ? 0 : (int) $user->getId();
    }
}
